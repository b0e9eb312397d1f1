// Which curves are drawn and how, as the address has it.

const scale_names = [
  ["", "auto", "logarithmic where values span much"],
  ["0", "linear"],
  ["1", "log"],
];

// "kl:10:200,loss:5:9:0:1": what each chart shows of its axes.
const zooms_of = (text) =>
  new Map(
    list_of(text)
      .map((part) => {
        const cut = part.split(":"),
          name = cut.shift(),
          numbers = cut.map(Number);
        return [name, numbers.every(is_number) && (numbers.length === 2 || numbers.length === 4) ? numbers : null];
      })
      .filter(([, zoom]) => zoom),
  );
const zooms_text = (zooms) =>
  list_text([...zooms].map(([name, zoom]) => [name, ...zoom.map((value) => +value.toPrecision(6))].join(":")));

// "kl:log,ess:linear": charts whose scale is not the one of all.
const scales_of = (text) => new Map(list_of(text).map((part) => part.split(":")));

const curve_view = (words) => ({
  x: words.x || "step",
  xlog: words.xlog === "1",
  ylog: words.ylog === "1" ? "log" : words.ylog === "0" ? "linear" : "auto",
  band: words.band || "error",
  smooth: Math.min(0.99, Number(words.smooth) || 0),
  full: words.full === "1",
  zooms: zooms_of(words.zoom),
  scales: scales_of(words.scale),
});

// The most telling, the loss among them, and no more than fit on a screen.
const usual_curves = (metrics) => {
  const drawn = metrics.filter((metric) => metric.curve && metric.axis === "step"),
    is_loss = (metric) => metric.name === "loss";
  const telling = drawn.filter((metric) => metric.main && !is_loss(metric)).slice(0, 5),
    loss = drawn.filter(is_loss);
  const rest = drawn.filter((metric) => !telling.includes(metric) && !is_loss(metric));
  return [...telling, ...loss, ...rest].slice(0, Math.max(4, telling.length + loss.length));
};
const chosen_curves = (metrics, words, most) => {
  const named = list_of(words.curves),
    found = metrics.filter((metric) => metric.curve && named.includes(metric.name));
  return (named.length ? found : usual_curves(metrics)).slice(0, most);
};

const x_title_of = (metric, metrics, x) => {
  if (metric.axis !== "step") return metric.axis_title;
  if (x === "step") return metric.axis_title || "training step";
  if (x === "seconds") return "seconds of training";
  const along = metrics.find((one) => one.name === x);
  return along?.unit ? `${x} [${along.unit}]` : x;
};
