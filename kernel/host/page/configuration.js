// What the trials of an experiment share, what differs between them, what failed and why.

// Keys by the table of the file that they stand in.
const sections_of = (pairs) => {
  const section = (key) => (key.includes(".") ? key.slice(0, key.indexOf(".")) : "experiment"),
    inner = (key) => key.slice(key.indexOf(".") + 1);
  return make(
    "div",
    { class: "columns" },
    [...grouped(pairs, ([key]) => section(key))].map(([name, some]) =>
      make(
        "section",
        {},
        make("h3", {}, name),
        pairs_of(
          name,
          some.map(([key, value]) => [inner(key), value]),
        ),
      ),
    ),
  );
};

// Of chosen rows, the keys whose values are not the same in all, with the figures.
const differences = (results, rows) => {
  const keys = results.keys
    .map((key, i) => [key, i])
    .filter(([, i]) => rows.some((row) => config_of(results, row)[i] !== config_of(results, rows[0])[i]));
  const head = [
    { title: "key or figure" },
    ...rows.map((row) => ({ title: is_group(row) ? row.label : `trial ${row.id}` })),
  ];
  const line = (title, cell) => [make("b", {}, title), ...rows.map(cell)];
  const lines = keys.map(([key, i]) => line(key.key, (row) => config_of(results, row)[i] ?? "—"));
  if (!is_group(rows[0]))
    lines.push(
      line("seed", (row) => row.seed),
      line("status", (row) => row.status),
    );
  for (const metric of has_finals(results).filter((one) => one.main))
    lines.push(line(metric.name, (row) => ({ inside: figure_text(figure_of(results, row, metric.name)) })));
  return table_of("What differs between the rows chosen", head, lines);
};

const all_values = (results) =>
  results.keys.map((key, i) => {
    const values = [...new Set(results.groups.map((group) => group.values[i] ?? "—"))];
    return [
      key.key,
      values.length > 30 ? `${values.slice(0, 30).join(", ")} and ${values.length - 30} more` : values.join(", "),
    ];
  });

// Flat, with lists of texts in one line.
const provenance_pairs = (record, before = "") =>
  Object.entries(record || {}).flatMap(([key, value]) => {
    if (value === null || value === "" || key === "code") return [];
    if (Array.isArray(value))
      return value.every((one) => typeof one !== "object")
        ? [[before + key, value.join(" ")]]
        : value.flatMap((one, i) => provenance_pairs(one, `${before}${key} ${i + 1} `));
    return typeof value === "object" ? provenance_pairs(value, `${before}${key} `) : [[before + key, String(value)]];
  });

const configuration_tab = (results, words) => {
  const { by_seeds, chosen } = rows_of(results, words),
    rows = chosen.size ? drawn_rows(results, { chosen, by_seeds }) : [];
  return [
    make("h2", {}, "What differs between the rows chosen"),
    rows.length > 1
      ? differences(results, rows.slice(0, 40))
      : empty_state(
          "Choose two rows or more by their boxes in the table: what differs between them stands here side by side.",
        ),
    results.keys.length > 0 && [
      make("h2", {}, "Keys that vary"),
      pairs_of("Keys that vary, with all their values", all_values(results)),
    ],
    make("h2", {}, "What all share"),
    sections_of(results.shared),
    make("h2", {}, "Provenance"),
    note(results.runs > 1 ? `The newest of ${results.runs} runs of this experiment.` : "One run made these trials."),
    folded("versions, commit, host", "provenance", pairs_of("Provenance", provenance_pairs(results.provenance))),
    results.file && folded("the experiment file as run", "file", preformatted(results.file, "file")),
  ].flat();
};

// Failures by their reason, in which numbers may differ.
const reason_of = (error) =>
  error
    .split("\n")[0]
    .replace(/\d+(\.\d+)?(e[+-]?\d+)?/gi, "…")
    .trim() || "no reason was recorded";
const failed_trials = (results) => results.trials.filter((trial) => results.statuses?.[trial.status]?.mood === "bad");
const by_reason = (trials) =>
  [...grouped(trials, (trial) => `${trial.status}: ${reason_of(trial.error)}`).values()].sort(
    (a, b) => b.length - a.length,
  );

// Keys whose one value these trials share, and others do not all have.
const in_common = (results, trials) =>
  results.keys
    .map((key, i) => [key, i])
    .filter(([, i]) => {
      const value = trials[0].of.values[i];
      return (
        value !== null &&
        trials.every((trial) => trial.of.values[i] === value) &&
        results.groups.some((group) => group.values[i] !== value)
      );
    })
    .map(([key, i]) => `${key.short} = ${trials[0].of.values[i]}`);

const most_named = 20;
const failure_of = (results, trials) => {
  const first = trials[0],
    common = trials.length > 1 ? in_common(results, trials) : [];
  return make(
    "section",
    { class: "failure" },
    make("h2", {}, status_text(results.statuses, first.status), ` ${count(trials.length, "trial")}`),
    make("p", { class: "reason" }, first.error || "no reason was recorded"),
    common.length > 0 && make("p", {}, "All of them have ", make("b", {}, common.join(", ")), "."),
    make(
      "p",
      {},
      "Trials ",
      trials
        .slice(0, most_named)
        .map((trial) => [make("a", { href: trial_link(trial.id), title: trial.of.label }, trial.id), " "]),
      trials.length > most_named && `and ${trials.length - most_named} more `,
      make(
        "a",
        {
          href: experiment_link(results.name, {
            tab: "curves",
            chosen: numbers_text(trials.slice(0, 200).map((trial) => trial.id)),
          }),
        },
        "their curves",
      ),
    ),
  );
};
const failures_tab = (results) => {
  const failed = failed_trials(results);
  if (!failed.length) return [empty_state("Nothing has failed.")];
  return [
    note(
      `${count(failed.length, "trial")} of ${results.trials.length.toLocaleString("en")} failed. `,
      "By reason, the most frequent first; numbers in it may differ between its trials.",
    ),
    ...by_reason(failed).map((trials) => failure_of(results, trials)),
    is_live &&
      note(
        "The rest of a reason and what the process printed stand on the trial's page. To try them again: ",
        make("code", {}, `marginalia resume ${results.name}`),
        ".",
      ),
  ];
};
