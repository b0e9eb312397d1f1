// The first screen of an experiment, and its table: headline figures, curves, the best rows, the paper's table.

// A short time in a unit that needs no leading zeros.
const scaled_figure = (metric, figure) => {
  const is_short = metric.unit === "s" && figure.mean > 0 && figure.mean < 1,
    factor = !is_short ? 1 : figure.mean < 1e-3 ? 1e6 : 1e3;
  const [mean, error] = estimate_text(figure.mean * factor, figure.error === null ? null : figure.error * factor);
  return {
    mean: number_text(figure.mean * factor) || mean,
    error,
    unit: !is_short ? metric.unit : factor === 1e3 ? "ms" : "µs",
  };
};
const card_of = (metric, figure) => {
  const { mean, error, unit } = scaled_figure(metric, figure);
  const limit = metric.reference && `limit ${number_text(metric.reference[1])}`;
  return make(
    "div",
    { class: "card", title: metric.about },
    make("div", { class: "name" }, metric.name, unit && make("span", { class: "unit" }, ` [${unit}]`)),
    make("div", { class: "value" }, mean),
    make(
      "div",
      { class: "more" },
      [error, figure.count && count(figure.count, "seed"), limit].filter(Boolean).join(", "),
    ),
  );
};

// Of each target the best configuration by the metric that says most.
const most_cards = 8,
  most_targets = 3;
const headlines_of = (results) => {
  const metric = main_metric(results);
  if (!metric)
    return [
      empty_state(
        "No trial is done yet: final figures appear here when one is. ",
        is_live && "Curves below grow as trials record them.",
      ),
    ];
  const best = best_of_each_target(results, results.groups, metric, Math.min(most_targets, results.targets.length));
  return best
    .filter((group) => figure_of(results, group, metric.name))
    .map((group) => {
      const metrics = has_finals(results)
        .filter((one) => one.goal !== "none" && figure_of(results, group, one.name))
        .slice(0, most_cards);
      const of = results.targets.length > 1 ? ` of ${results.targets[group.target].label}` : "";
      return make(
        "section",
        { class: "headline", "aria-label": `Best${of}` },
        results.groups.length > 1 &&
          make("p", { class: "soft" }, `Best${of} by ${metric.name}: `, make("b", {}, group.label)),
        make(
          "div",
          { class: "cards" },
          metrics.map((one) => card_of(one, figure_of(results, group, one.name))),
        ),
      );
    })
    .concat(
      results.targets.length > best.length
        ? note(`${results.targets.length - best.length} more targets stand in the table below.`)
        : [],
    );
};

// What belongs to the line above it begins with spaces.
const paper_row = (row, published) =>
  row.map((text, i) => ({
    inside: text.trim(),
    class: (published ? "soft" : "") + (!i && text.startsWith(" ") ? " indented" : ""),
  }));
const paper_table = ({ table }) =>
  table && [
    make("h2", {}, table.title),
    table_of(
      table.title,
      table.columns.map((title, i) => ({ title, number: i > 0 })),
      table.rows.map((row, i) => paper_row(row, table.published[i])),
    ),
    table.note && make("p", { class: "note lines" }, table.note),
  ];

const marks_of = (results, by_seeds) => {
  const marked =
    results.targets.length > 1
      ? `The best of each column is green, within each of ${results.targets.length} targets: others are not compared.`
      : "The best of each column is green.";
  return note(
    by_seeds && has_seeds(results) ? `Mean ± standard error over the seeds that are done. ${marked}` : marked,
    " A box draws a row's curves.",
  );
};

// What both tables have: which rows, in which columns.
const rows_of = (results, words) => {
  const by_seeds = words.group ? words.group === "seeds" : has_seeds(results);
  const all = by_seeds ? results.groups : results.trials,
    rows = with_words(results, all, words.words);
  const columns = by_seeds ? group_columns(results) : trial_columns(results),
    named = list_of(words.columns);
  const shown = named.length
    ? columns.filter((column) => named.includes(column.name))
    : usual_columns(results, columns, rows);
  return { by_seeds, rows, all: columns, columns: shown, sort: words.sort, chosen: new Set(numbers_of(words.chosen)) };
};

const best_trials = ({ results, rows }, most) =>
  best_of_each_target(results, rows, main_metric(results), most)
    .flatMap((row) => (is_group(row) ? row.trials : [row]))
    .map((trial) => trial.id);
const table_controls = (results, { by_seeds, all, columns, chosen }) =>
  make(
    "div",
    { class: "controls" },
    has_seeds(results) &&
      choice(
        "rows",
        [
          ["seeds", "configurations"],
          ["none", "trials"],
        ],
        by_seeds ? "seeds" : "none",
        (value) => change_view({ group: value, sort: null }),
        "group",
      ),
    choose(
      `columns (${columns.length} of ${all.length})`,
      all.map((column) => [column.name, column.title, column.more]),
      columns.map((column) => column.name),
      (names) => change_view({ columns: list_text(names) }),
      "columns",
    ),
    button("draw the best 5", () => set_trials(best_trials(table_state.drawn, 5)), { "data-key": "best-5" }),
    chosen.size > 0 && button("draw none of these", () => set_trials([]), { "data-key": "none" }),
    button(
      "save as CSV",
      () => save_text(`${results.name}.csv`, csv_of(table_state.drawn.rows, table_state.drawn.all)),
      { "data-key": "csv" },
    ),
  );

const csv_of = (rows, columns) => {
  const quoted = (value) =>
    value === null || value === undefined || Number.isNaN(value)
      ? ""
      : /[",\n\r]/.test(value)
        ? `"${String(value).replaceAll('"', '""')}"`
        : String(value);
  return (
    [columns.map((column) => column.title), ...rows.map((row) => columns.map((column) => column.value(row)))]
      .map((cells) => cells.map(quoted).join(","))
      .join("\n") + "\n"
  );
};
const save_text = (name, text) => {
  const link = make("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: name });
  link.click();
  URL.revokeObjectURL(link.href);
};

const no_rows = (results, words) =>
  words.where || words.words
    ? empty_state(
        "No trial meets the condition. ",
        button("show all", () => change_view({ where: null, words: null }), { class: "link" }),
      )
    : empty_state(`No trial of ${results.name} is in this store.`);

const table_tab = (results, words) => {
  const shown = rows_of(results, words);
  if (!shown.rows.length) return [no_rows(results, words)];
  table_state.drawn = { ...shown, results };
  return [
    table_controls(results, shown),
    ...results_table(results, { ...shown, redraw: redraw_page }),
    marks_of(results, shown.by_seeds),
    paper_table(results),
  ].flat();
};

const rows_in_overview = 15;
const overview_table = (results, words) => {
  const shown = rows_of(results, words);
  if (!shown.rows.length) return [no_rows(results, words)];
  const left = shown.rows.length - rows_in_overview;
  const all =
    left > 0 &&
    make(
      "p",
      { class: "more-rows" },
      make(
        "a",
        { href: experiment_link(results.name, { ...words, tab: "table" }) },
        `all ${count(shown.rows.length, "row")}, sorted and filtered`,
      ),
    );
  return [
    make("h2", {}, shown.by_seeds ? "Results by configuration" : "Trials"),
    ...results_table(results, { ...shown, most: rows_in_overview, redraw: redraw_page }),
    all,
    marks_of(results, shown.by_seeds),
  ];
};
