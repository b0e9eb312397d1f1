// Numbers, times and a little statistics, as people read them. Values that are not finite come as the texts "NaN",
// "Infinity" and "-Infinity".

const is_number = (value) => typeof value === "number" && Number.isFinite(value);
const as_number = (value) => (value === "" || value === null || value === undefined ? NaN : Number(value));

const number_text = (value, digits = 4) => {
  if (value === null || value === undefined) return "";
  const number = Number(value);
  if (Number.isNaN(number)) return "NaN";
  if (!Number.isFinite(number)) return number > 0 ? "∞" : "−∞";
  const size = Math.abs(number);
  if (size !== 0 && (size >= 1e7 || size < 1e-4))
    return number
      .toExponential(digits - 2)
      .replace(/\.?0+e/, "e")
      .replace("e+", "e");
  if (Number.isInteger(number)) return String(number);
  return String(+number.toPrecision(Math.max(digits, Math.ceil(Math.log10(size)))));
};

// A mean rounded at its error's second digit.
const estimate_text = (mean, error) => {
  if (!is_number(mean) || !is_number(error)) return [number_text(mean), ""];
  if (error <= Math.abs(mean) * 1e-12) return [number_text(mean), "± 0"]; // equal but for rounding
  const decimals = Math.min(12, Math.max(0, 1 - Math.floor(Math.log10(error))));
  if (Math.abs(mean) >= 1e7 || error < 1e-6) return [number_text(mean), `± ${number_text(error, 2)}`];
  return [mean.toFixed(decimals).replace(/^-(0\.?0*)$/, "$1"), `± ${error.toFixed(decimals)}`];
};

// The marks of an axis.
const tick_text = (value) => {
  const size = Math.abs(value);
  if (size >= 1e4 && size < 1e6) return `${+(value / 1e3).toPrecision(4)}k`;
  return size >= 1e6 ? value.toExponential(1).replace(".0e", "e").replace("e+", "e") : number_text(value);
};

const duration_text = (seconds) => {
  if (!is_number(seconds)) return "";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${+seconds.toPrecision(2)} s`;
  const [large, small, unit, under] =
    seconds < 3600 ? [60, 1, "min", "s"] : seconds < 86400 ? [3600, 60, "h", "min"] : [86400, 3600, "d", "h"];
  const whole = Math.floor(seconds / large),
    rest = Math.floor((seconds % large) / small);
  return `${whole} ${unit}${rest ? ` ${rest} ${under}` : ""}`;
};
const age_text = (seconds) => {
  if (seconds < 5) return "now";
  const [size, unit] =
    seconds < 60 ? [1, "s"] : seconds < 3600 ? [60, "min"] : seconds < 86400 ? [3600, "h"] : [86400, "d"];
  return `${Math.floor(seconds / size)} ${unit} ago`;
};
const time_text = (seconds) => {
  if (!is_number(seconds)) return "";
  const at = new Date(seconds * 1000),
    two = (number) => String(number).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}`;
};
const bytes_text = (bytes) => {
  const units = ["B", "kB", "MB", "GB"],
    power = Math.min(3, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${+(bytes / 1000 ** power).toPrecision(3)} ${units[power]}`;
};

// How far a value is from the goal: of two, the smaller is better.
const badness = (value, goal) => (goal === "high" ? -value : goal === "zero" ? Math.abs(value) : value);

// Of lists that are too long for Math.min(...values).
const least_of = (values) => values.reduce((a, b) => (b < a ? b : a), Infinity);
const most_of = (values) => values.reduce((a, b) => (b > a ? b : a), -Infinity);

// Things by what `key_of` says of them, in order of their first.
const grouped = (things, key_of) => {
  const parts = new Map();
  things.forEach((thing, i) => {
    const key = key_of(thing, i);
    if (parts.has(key)) parts.get(key).push(thing);
    else parts.set(key, [thing]);
  });
  return parts;
};

const mean_of = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const error_of = (values) => {
  if (values.length < 2) return null;
  const mean = mean_of(values),
    squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1) / values.length);
};

// Ranks from 0; those that are equal share the middle one.
const ranks_of = (values) => {
  const order = values.map((_, i) => i).sort((a, b) => values[a] - values[b]),
    ranks = new Array(values.length);
  for (let first = 0, last; first < order.length; first = last) {
    for (last = first + 1; last < order.length && values[order[last]] === values[order[first]]; ++last);
    for (let i = first; i < last; ++i) ranks[order[i]] = (first + last - 1) / 2;
  }
  return ranks;
};
const correlation = (x, y) => {
  const mx = mean_of(x),
    my = mean_of(y);
  let xy = 0,
    xx = 0,
    yy = 0;
  x.forEach((value, i) => {
    xy += (value - mx) * (y[i] - my);
    xx += (value - mx) ** 2;
    yy += (y[i] - my) ** 2;
  });
  return xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : 0;
};
const rank_correlation = (x, y) => correlation(ranks_of(x), ranks_of(y));

// Of the variance of y's ranks, the root of the share that lies between the categories of x: 0 none, 1 all.
const correlation_ratio = (x, y) => {
  const ranks = ranks_of(y),
    mean = mean_of(ranks),
    parts = grouped(ranks, (_, i) => x[i]);
  const all = ranks.reduce((sum, rank) => sum + (rank - mean) ** 2, 0);
  const between = [...parts.values()].reduce((sum, part) => sum + part.length * (mean_of(part) - mean) ** 2, 0);
  return all > 0 ? Math.sqrt(between / all) : 0;
};

// y at a place x of a curve whose places rise; NaN outside of it.
const value_at = (xs, ys, x) => {
  let low = 0,
    high = xs.length - 1;
  if (high < 0 || x < xs[0] || x > xs[high]) return NaN;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle] <= x) low = middle;
    else high = middle;
  }
  if (x === xs[low] || high === low) return ys[low];
  return x === xs[high] ? ys[high] : ys[low] + ((ys[high] - ys[low]) * (x - xs[low])) / (xs[high] - xs[low]);
};
