// An experiment's answer as the views use it. A row is a trial or a group of trials, which have one configuration and
// differ in their seeds. Figures are compared within one target only.

const read_results = (answer) => {
  const groups = answer.groups.map((group, index) => ({ ...group, index, trials: [], key: `g${group.hash}` }));
  const trials = answer.trials.map((trial) => ({
    ...trial,
    revision: answer.revision,
    key: `t${trial.id}`,
    of: groups[trial.group],
  }));
  for (const trial of trials) trial.of.trials.push(trial);
  return {
    ...answer,
    groups,
    trials,
    trial: new Map(trials.map((trial) => [trial.id, trial])),
    place: new Map(answer.metrics.map((metric, i) => [metric.name, i])),
  };
};

const is_group = (row) => "hash" in row;
const target_of = (row) => (is_group(row) ? row.target : row.of.target);
const config_of = (results, row) => (is_group(row) ? row.values : row.of.values);
const metric_of = (results, name) => results.metrics[results.place.get(name)];
const label_of = (row) => (is_group(row) ? row.label : `trial ${row.id}: ${row.of.label}, seed ${row.seed}`);
const has_finals = (results) => results.metrics.filter((metric) => metric.final);
const has_seeds = (results) => results.groups.some((group) => group.trials.length > 1);

// A row's final figure as {mean, error, count}, null where it has none.
const figure_of = (results, row, name) => {
  const final = row.finals[results.place.get(name)];
  if (final === null || final === undefined) return null;
  if (is_group(row)) return { mean: final[0], error: final[1], count: final[2] };
  const of_samples = row.of.trials.length === 1 ? (row.of.finals[results.place.get(name)]?.[1] ?? null) : null;
  return { mean: final, error: of_samples, count: 1 };
};
const value_of = (results, row, name) => {
  const figure = figure_of(results, row, name);
  return figure && is_number(figure.mean) ? figure.mean : NaN;
};

// The metric that says most: the first with a goal that any row has.
const main_metric = (results) =>
  results.metrics.find(
    (metric) =>
      metric.final &&
      metric.goal !== "none" &&
      results.groups.some((group) => is_number(value_of(results, group, metric.name))),
  ) || null;

// Rows with the best first; those without a figure last, in their order.
const ranked = (results, rows, metric) => {
  if (!metric) return rows;
  const bad = new Map(rows.map((row) => [row, badness(value_of(results, row, metric.name), metric.goal)]));
  const place = (row) => (Number.isNaN(bad.get(row)) ? Infinity : bad.get(row));
  return [...rows].sort((a, b) => (place(a) === place(b) ? 0 : place(a) - place(b)));
};

// The best of each target in turn, then the second of each, so that none is crowded out.
const best_of_each_target = (results, rows, metric, most) => {
  const parts = results.targets.map((_, target) =>
    ranked(
      results,
      rows.filter((row) => target_of(row) === target),
      metric,
    ),
  );
  const chosen = [];
  for (let i = 0; chosen.length < most && parts.some((part) => i < part.length); ++i)
    for (const part of parts) if (i < part.length && chosen.length < most) chosen.push(part[i]);
  return chosen;
};

// By metric and target the best value, where there is a choice and not all are alike.
const best_values = (results, rows) => {
  const best = new Map();
  for (const metric of has_finals(results)) {
    if (metric.goal === "none") continue;
    results.targets.forEach((_, target) => {
      const values = rows
        .filter((row) => target_of(row) === target)
        .map((row) => value_of(results, row, metric.name))
        .filter(is_number);
      const first = values.reduce((a, b) => (badness(b, metric.goal) < badness(a, metric.goal) ? b : a), values[0]);
      if (values.some((value) => value !== first)) best.set(`${metric.name}|${target}`, first);
    });
  }
  return best;
};

// What a row stands for in the words of a filter.
const words_of = (results, row) =>
  [
    is_group(row) ? "" : `${row.id} ${row.status} ${row.device} ${row.host} ${row.tags.join(" ")} ${row.error}`,
    label_of(row),
    ...(is_group(row) ? row.trials.map((trial) => trial.status) : []),
  ]
    .join(" ")
    .toLowerCase();
const with_words = (results, rows, text) => {
  const words = (text || "").toLowerCase().split(/\s+/).filter(Boolean);
  return words.length
    ? rows.filter((row) => {
        const all = words_of(results, row);
        return words.every((word) => all.includes(word));
      })
    : rows;
};

// Of trials, how many have each status.
const status_counts = (trials) => {
  const counts = new Map();
  for (const trial of trials) counts.set(trial.status, (counts.get(trial.status) || 0) + 1);
  return counts;
};

const status_text = (statuses, status) =>
  make("span", { class: `state ${statuses?.[status]?.mood || "plain"}`, title: statuses?.[status]?.means }, status);

// "0.0412 ± 0.0031", the error small beside it; of several seeds, how many.
const figure_text = (figure) => {
  if (!figure) return "";
  const [mean, error] = estimate_text(figure.mean, figure.error);
  return [mean, error && make("span", { class: "error" }, ` ${error}`)];
};
