// Curves of chosen trials, joined over seeds and laid along steps, seconds or another metric.

// A trial's seconds of training at each step of its curve of step_seconds.
const clock_of = (curve) => {
  const steps = [0],
    seconds = [0];
  curve.x.forEach((step, i) => {
    const took = is_number(curve.y[i]) ? curve.y[i] : 0;
    if (step > steps[steps.length - 1]) {
      seconds.push(seconds[seconds.length - 1] + (step - steps[steps.length - 1]) * took);
      steps.push(step);
    }
  });
  return { x: steps, y: seconds };
};

// One trial's curve as {step, x, y, low, high}, x along what is asked for; null where it has no such place.
const laid_out = (curve, along, kind) => {
  const made = { step: [], x: [], y: [], low: [], high: [] };
  if (kind !== "step" && !along) return null;
  const place = kind === "seconds" ? clock_of(along) : along;
  curve.x.forEach((step, i) => {
    const x = kind === "step" ? step : value_at(place.x, place.y, step);
    if (!is_number(x)) return;
    made.step.push(step);
    made.x.push(x);
    made.y.push(is_number(curve.y[i]) ? curve.y[i] : NaN);
    made.low.push(curve.low?.[i] ?? curve.y[i]);
    made.high.push(curve.high?.[i] ?? curve.y[i]);
  });
  return made.step.length ? made : null;
};

// An exponential moving mean; `share` of what was stays at each point.
const smoothed = (values, share) => {
  if (!share) return values;
  let sum = 0,
    weight = 0;
  return values.map((value) => {
    if (!is_number(value)) return value;
    sum = share * sum + (1 - share) * value;
    weight = share * weight + (1 - share);
    return sum / weight;
  });
};

// The steps at which seeds are joined: all of them, or parts of equal width where they are many.
const most_joined = 600;
const joined_steps = (seeds) => {
  const all = [...new Set(seeds.flatMap((seed) => seed.step))].sort((a, b) => a - b);
  if (all.length <= most_joined) return all;
  const first = all[0],
    last = all[all.length - 1];
  return Array.from({ length: most_joined }, (_, i) => first + ((last - first) * i) / (most_joined - 1));
};

// Seeds at the same steps, each by interpolation between its own points: mean, standard error, least and greatest.
const joined_seeds = (seeds) => {
  if (seeds.length === 1) return { ...seeds[0], error: seeds[0].x.map(() => 0), seeds: seeds[0].x.map(() => 1) };
  const joined = { step: [], x: [], y: [], low: [], high: [], error: [], seeds: [] };
  for (const step of joined_steps(seeds)) {
    const at = (name) => seeds.map((seed) => value_at(seed.step, seed[name], step));
    const y = at("y"),
      there = y.map(is_number);
    if (!there.some(Boolean)) continue;
    const only = (values) => values.filter((_, i) => there[i]);
    joined.step.push(step);
    joined.x.push(mean_of(only(at("x"))));
    joined.y.push(mean_of(only(y)));
    joined.low.push(least_of(only(at("low"))));
    joined.high.push(most_of(only(at("high"))));
    joined.error.push(error_of(only(y)) || 0);
    joined.seeds.push(there.filter(Boolean).length);
  }
  return joined;
};

// The rows that are drawn: what is chosen, else the best.
const drawn_at_first = 8;
const drawn_rows = (results, { chosen, by_seeds }) => {
  const with_curves = (row) => (is_group(row) ? row.trials : [row]).some((trial) => trial.status !== "queued");
  if (chosen.size === 0)
    return best_of_each_target(
      results,
      (by_seeds ? results.groups : results.trials).filter(with_curves),
      main_metric(results),
      drawn_at_first,
    );
  const trials = [...chosen].map((id) => results.trial.get(id)).filter(Boolean);
  return by_seeds ? [...new Set(trials.map((trial) => trial.of))] : trials;
};
const trials_of = (row, chosen) =>
  !is_group(row)
    ? [row]
    : row.trials.some((trial) => chosen.has(trial.id))
      ? row.trials.filter((trial) => chosen.has(trial.id))
      : row.trials;

// Asks for what is needed and makes [{row, place, trials, points, ...curve}] of one metric.
const load_series = async (metric, rows, { chosen, x, smooth, part }) => {
  const kind = metric.axis !== "step" ? "step" : x === "seconds" ? "seconds" : x === "step" ? "step" : "metric";
  const trials = rows.flatMap((row) => trials_of(row, chosen));
  const curves = await ask_curves(metric.name, trials, part);
  const along = kind === "step" ? new Map() : await ask_curves(kind === "seconds" ? "step_seconds" : x, trials);
  return rows
    .map((row) => {
      const own = trials_of(row, chosen).filter((trial) => curves.has(trial.id));
      const seeds = own.map((trial) => laid_out(curves.get(trial.id), along.get(trial.id), kind)).filter(Boolean);
      if (!seeds.length) return null;
      for (const seed of seeds) seed.y = smoothed(seed.y, metric.axis === "step" ? smooth : 0);
      const points = own.reduce((sum, trial) => sum + curves.get(trial.id).n, 0);
      const thinned = own.some((trial) => curves.get(trial.id).n > curves.get(trial.id).x.length);
      return { row, place: places.get(row.key) ?? 0, label: label_of(row), points, thinned, ...joined_seeds(seeds) };
    })
    .filter(Boolean);
};
