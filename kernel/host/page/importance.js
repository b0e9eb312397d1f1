// Which keys matter for a metric, within one target.

// The rows that can be compared: groups of one target that have the figure.
const target_choice = (results, words) => {
  const target = Math.min(results.targets.length - 1, Math.max(0, Number(words.target) || 0));
  return [
    target,
    results.targets.length > 1 &&
      select(
        "target",
        results.targets.map((one, i) => [String(i), one.label]),
        String(target),
        (value) => change_view({ target: value === "0" ? null : value, ranges: null }),
        "target",
      ),
  ];
};
const metric_choice = (results, words) => {
  const known = has_finals(results).filter((metric) =>
    results.groups.some((group) => is_number(value_of(results, group, metric.name))),
  );
  const metric = known.find((one) => one.name === words.metric) || main_metric(results) || known[0] || null;
  return [
    metric,
    metric &&
      select(
        "metric",
        known.map((one) => [one.name, one.name]),
        metric.name,
        (name) => change_view({ metric: name }),
        "metric",
      ),
  ];
};
const comparable = (results, target, metric) =>
  results.groups.filter((group) => group.target === target && is_number(value_of(results, group, metric.name)));

// How a key's values lie: numeric ones by value, others by name, in order of their first trial.
const values_of_key = (results, groups, i) => {
  const texts = groups.map((group) => group.values[i] ?? "—"),
    names = [...new Set(texts)];
  const numeric = results.keys[i].numeric && names.every((name) => name !== "—" && is_number(as_number(name)));
  if (numeric) names.sort((a, b) => a - b);
  const places = new Map(names.map((name, place) => [name, place]));
  return { texts, names, numeric, numbers: texts.map((text) => (numeric ? Number(text) : places.get(text))) };
};
const varying_keys = (results, groups) =>
  results.keys
    .map((key, i) => ({ key, i, ...values_of_key(results, groups, i) }))
    .filter(({ names }) => names.length > 1);

// Each key's importance for a metric, the greatest first.
const importance_of = (results, groups, metric) => {
  const figures = groups.map((group) => value_of(results, group, metric.name)),
    bad = figures.map((value) => badness(value, metric.goal));
  return varying_keys(results, groups)
    .map(({ key, names, texts, numeric, numbers }) => {
      const signed = numeric ? rank_correlation(numbers, bad) : null,
        parts = [...grouped(bad, (_, i) => texts[i])];
      const [best] = parts.reduce((a, b) => (mean_of(b[1]) < mean_of(a[1]) ? b : a));
      return {
        key,
        numeric,
        share: numeric ? Math.abs(signed) : correlation_ratio(texts, bad),
        rises: signed === null ? "" : signed < 0 ? "larger is better" : "smaller is better",
        best,
        names,
      };
    })
    .sort((a, b) => b.share - a.share);
};

const importance_table = (importance, metric) =>
  table_of(
    `Importance of keys for ${metric.name}`,
    [
      { title: "key" },
      { title: "importance", number: true },
      { title: "of 1" },
      { title: "found by" },
      { title: "direction" },
      { title: "best value" },
      { title: "plot" },
    ],
    importance.map(({ key, numeric, share, rises, best }) => [
      { inside: make("b", {}, key.short), title: key.key },
      share.toFixed(2),
      make("meter", { min: 0, max: 1, value: share, "aria-label": `importance of ${key.short}` }),
      numeric ? "|Spearman|" : "correlation ratio",
      metric.goal === "none" ? "" : share < 0.05 ? "none seen" : rises,
      metric.goal === "none" ? "" : best,
      button("plot", () => change_view({ against: key.key }), {
        class: "link",
        "data-key": `plot-${key.key}`,
        "aria-label": `plot ${metric.name} against ${key.short}`,
      }),
    ]),
  );

const importance_part = (importance, metric, groups, where) => [
  make("h2", {}, `Importance of keys for ${metric.name}`),
  importance.length ? importance_table(importance, metric) : empty_state("No key varies between these configurations."),
  note(
    `Over ${count(groups.length, "configuration")}${where}: the absolute rank correlation (Spearman) of a numeric key `,
    "with the metric; of a key with names the correlation ratio, on ranks. 1: the key alone orders the results; 0: no ",
    "trend. Keys that matter only together are not found by it.",
  ),
];
