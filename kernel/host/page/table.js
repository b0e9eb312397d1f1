// Trials or groups of trials as a table that sorts, folds its rows and has a box before each for what is drawn.

const rows_at_first = 100;
const table_state = { shown: rows_at_first, drawn: null };

const key_columns = (results) =>
  results.keys.map((key, i) => ({
    name: key.key,
    title: key.short,
    more: key.key,
    number: key.numeric,
    value: (row) => config_of(results, row)[i],
    show: (row) => config_of(results, row)[i] ?? "—",
  }));

const metric_columns = (results) =>
  has_finals(results).map((metric) => ({
    name: metric.name,
    title: metric.name,
    unit: metric.unit,
    more: metric.about,
    number: true,
    metric,
    value: (row) => value_of(results, row, metric.name),
    show: (row) => figure_text(figure_of(results, row, metric.name)),
  }));

const links_to = (trials) => {
  const shown = trials
    .slice(0, 6)
    .map((trial) => [
      make(
        "a",
        { href: trial_link(trial.id), title: `trial ${trial.id}, seed ${trial.seed}: ${trial.status}` },
        trial.id,
      ),
      " ",
    ]);
  return trials.length > 6 ? [shown, `and ${trials.length - 6} more`] : shown;
};

const group_columns = (results) => [
  ...key_columns(results),
  {
    name: "seeds",
    title: "seeds",
    more: "seeds done of those planned",
    number: true,
    value: (row) => row.done,
    show: (row) => `${row.done} / ${row.trials.length}`,
  },
  { name: "failed", title: "failed", number: true, value: (row) => row.failed, show: (row) => row.failed || "" },
  ...metric_columns(results),
  {
    name: "trials",
    title: "trials",
    more: "numbers of the trials, one a seed",
    value: (row) => row.trials[0]?.id,
    show: (row) => links_to(row.trials),
  },
];

const trial_columns = (results) => [
  {
    name: "id",
    title: "trial",
    number: true,
    value: (row) => row.id,
    show: (row) => make("a", { href: trial_link(row.id), "data-key": `trial-${row.id}` }, row.id),
  },
  {
    name: "status",
    title: "status",
    value: (row) => row.status,
    show: (row) => status_text(results.statuses, row.status),
  },
  { name: "seed", title: "seed", number: true, value: (row) => row.seed, show: (row) => row.seed },
  ...key_columns(results),
  ...metric_columns(results),
  {
    name: "seconds",
    title: "time",
    more: "time spent running",
    number: true,
    value: (row) => row.seconds,
    show: (row) => duration_text(row.seconds),
  },
  { name: "started", title: "started", value: (row) => row.started, show: (row) => time_text(row.started) },
  { name: "finished", title: "ended", value: (row) => row.finished, show: (row) => time_text(row.finished) },
  { name: "device", title: "device", value: (row) => row.device, show: (row) => row.device },
  { name: "host", title: "host", value: (row) => row.host, show: (row) => row.host },
  { name: "tags", title: "tags", value: (row) => row.tags.join(" "), show: (row) => row.tags.join(", ") },
  {
    name: "error",
    title: "reason",
    more: "why it failed",
    wrap: true,
    value: (row) => row.error,
    show: (row) => row.error,
  },
];

// Without a choice: the keys, the figures that say most, and what is not the same everywhere.
const usual_columns = (results, columns, rows) => {
  const metrics = columns.filter((column) => column.metric),
    main = metrics.filter((column) => column.metric.main);
  const figures = (main.length ? main : metrics).slice(0, 6);
  const plain = ["id", "status", "seed", "seeds", "trials", "seconds"];
  const telling = ["failed", "tags", "error", "device"].filter((name) => {
    const column = columns.find((one) => one.name === name);
    return column && rows.some((row) => column.value(row) && column.value(row) !== column.value(rows[0]));
  });
  return columns.filter(
    (column) =>
      plain.includes(column.name) ||
      telling.includes(column.name) ||
      figures.includes(column) ||
      results.keys.some((key) => key.key === column.name),
  );
};

// By the column of `sort` ("kl", "-kl" the other way round), those without a value last.
const sorted_rows = (rows, column, down) => {
  const known = (value) => value !== "" && value !== null && value !== undefined && !Number.isNaN(value);
  const values = new Map(rows.map((row) => [row, column.number ? as_number(column.value(row)) : column.value(row)]));
  const order = (x, y) =>
    typeof x === "number" && typeof y === "number"
      ? x - y
      : String(x).localeCompare(String(y), "en", { numeric: true });
  return [...rows].sort((a, b) => {
    const x = values.get(a),
      y = values.get(b);
    if (!known(x) || !known(y)) return known(y) - known(x);
    return down ? order(y, x) : order(x, y);
  });
};

const sorted_as_asked = (results, rows, columns, sort) => {
  const column = columns.find((one) => one.name === (sort || "").replace(/^-/, ""));
  if (column) return sorted_rows(rows, column, sort.startsWith("-"));
  return best_of_each_target(results, rows, main_metric(results), rows.length).sort(
    (a, b) => target_of(a) - target_of(b),
  );
};

const head_of = (column, sort) => {
  const best_is_high = column.metric?.goal === "high",
    name = column.name;
  const first = best_is_high ? `-${name}` : name,
    second = best_is_high ? name : `-${name}`;
  const now = sort === name ? "ascending" : sort === `-${name}` ? "descending" : null;
  return make(
    "th",
    { scope: "col", class: column.number ? "number" : null, "aria-sort": now, title: column.more },
    button(
      [make("span", {}, column.title), column.unit && make("span", { class: "unit" }, column.unit)].filter(Boolean),
      () => change_view({ sort: sort === first ? second : first }),
      { class: "sort", "data-key": `sort-${name}` },
    ),
  );
};

const box_of = (row, chosen) => {
  const ids = is_group(row) ? row.trials.map((trial) => trial.id) : [row.id],
    on = ids.some((id) => chosen.has(id));
  const box = make("input", {
    type: "checkbox",
    "aria-label": `draw ${label_of(row)}`,
    "data-key": `box-${row.key}`,
    checked: on,
    onchange: () => choose_trials(ids, box.checked),
  });
  box.indeterminate = on && !ids.every((id) => chosen.has(id));
  return box;
};

const body_row = (row, columns, best, chosen) =>
  make(
    "tr",
    {},
    make("td", { class: "box" }, box_of(row, chosen), places.has(row.key) && swatch(places.get(row.key))),
    columns.map((column) => {
      const is_best = column.metric && best.get(`${column.metric.name}|${target_of(row)}`) === column.value(row);
      return cell_of("td", column, {
        inside: column.show(row),
        class: is_best ? "best" : null,
        title: is_best ? "best of its target" : null,
      });
    }),
  );

const more_rows = (all, redraw) => {
  if (all <= table_state.shown) return null;
  const more = (number) => () => {
    table_state.shown += number;
    redraw();
  };
  return make(
    "p",
    { class: "more-rows" },
    `${table_state.shown} of ${count(all, "row")} shown `,
    button("100 more", more(100), { "data-key": "more" }),
    all - table_state.shown > 100 &&
      button(all > 2000 ? "1,000 more" : "all", more(all > 2000 ? 1000 : all), { "data-key": "all" }),
  );
};

// The table of a view: {rows, columns, sort, chosen: set of trial ids, most: rows at most}.
const results_table = (results, { rows, columns, sort, chosen, most = table_state.shown, redraw }) => {
  const best = best_values(results, rows),
    shown = sorted_as_asked(results, rows, columns, sort).slice(0, most);
  const caption =
    rows.length && is_group(rows[0]) ? "Results by configuration, mean ± standard error over seeds" : "Trials";
  return [
    make(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": caption, "data-scroll": "results" },
      make(
        "table",
        { class: "results" },
        make("caption", { class: "unseen" }, caption),
        make(
          "thead",
          {},
          make(
            "tr",
            {},
            make("th", { scope: "col", class: "box" }, make("span", { class: "unseen" }, "drawn")),
            columns.map((column) => head_of(column, sort)),
          ),
        ),
        make(
          "tbody",
          {},
          shown.map((row) => body_row(row, columns, best, chosen)),
        ),
      ),
    ),
    most === table_state.shown && more_rows(rows.length, redraw),
  ];
};
