// What is chosen for all charts together.

const curve_axes = (curves) => [
  ["step", "training steps"],
  ...(curves.some((metric) => metric.name === "step_seconds") ? [["seconds", "seconds of training"]] : []),
  ...curves.filter((metric) => metric.axis === "step").map((metric) => [metric.name, metric.name]),
];

const smoothing = (share) => {
  const changed = (event) => change_view({ smooth: Number(event.target.value) ? event.target.value : null });
  return make(
    "label",
    { class: "choice-of" },
    "smoothing",
    make("input", {
      type: "range",
      min: 0,
      max: 0.98,
      step: 0.02,
      value: share,
      "data-key": "smooth",
      onchange: changed,
    }),
    make("output", {}, share ? String(share) : "off"),
  );
};

const curve_controls = (metrics, drawn, view, seeds) => {
  const curves = metrics.filter((metric) => metric.curve),
    names = (some) => some.map((metric) => metric.name);
  const bands = [
    ["error", "± error", "mean ± standard error"],
    ["range", "min to max"],
    ["none", "none"],
  ];
  const change = (name, usual) => (value) => change_view({ [name]: value === usual ? null : value });
  return [
    choose(
      `curves (${drawn.length} of ${curves.length})`,
      curves.map((metric) => [metric.name, metric.name, metric.about]),
      names(drawn),
      (some) => change_view({ curves: list_text(some) }),
      "curves",
    ),
    select(
      "against",
      curve_axes(curves),
      view.x,
      (value) => change_view({ x: value === "step" ? null : value, zoom: null }),
      "x",
    ),
    choice(
      "x",
      scale_names.slice(1),
      view.xlog ? "1" : "0",
      (value) => change_view({ xlog: value === "1" ? value : null, zoom: null }),
      "xlog",
    ),
    choice(
      "y",
      scale_names,
      { auto: "", log: "1", linear: "0" }[view.ylog],
      (value) => change_view({ ylog: value, scale: null }),
      "ylog",
    ),
    seeds && choice("band over seeds", bands, view.band, change("band", "error"), "band"),
    smoothing(view.smooth),
    button(view.full ? "cut wild starts" : "show all of y", () => change_view({ full: view.full ? null : "1" }), {
      "data-key": "full",
    }),
  ];
};
