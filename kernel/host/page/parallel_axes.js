// The axes of parallel coordinates and the ranges that are chosen on them.

// An axis as {name, title, place(i) of row i from 0 (below) to 1, ticks, value_at(place)}.
const numeric_axis = (name, title, numbers) => {
  const finite = numbers.filter(is_number),
    low = least_of(finite),
    high = most_of(finite),
    is_log = spans_decades(finite);
  const scale = is_log ? Math.log : (value) => value,
    span = scale(high) - scale(low);
  const place_of = (value) => (span > 0 ? (scale(value) - scale(low)) / span : 0.5),
    distinct = [...new Set(finite)].sort((a, b) => a - b);
  const value_at = (place) => (is_log ? Math.exp(scale(low) + span * place) : low + span * place);
  const ticks = distinct.length <= 7 ? distinct : [0, 0.25, 0.5, 0.75, 1].map(value_at);
  return {
    name,
    title,
    numbers,
    place_of,
    value_at,
    is_numeric: true,
    place: (i) => place_of(numbers[i]),
    ticks: ticks.map((value) => [place_of(value), tick_text(value)]),
  };
};
const named_axis = (name, title, texts, names) => {
  const place_of = (index) => (names.length > 1 ? index / (names.length - 1) : 0.5),
    numbers = texts.map((text) => names.indexOf(text));
  return {
    name,
    title,
    numbers,
    names,
    place_of,
    value_at: (place) => place * (names.length - 1),
    is_numeric: false,
    place: (i) => place_of(numbers[i]),
    ticks: names.length <= 16 ? names.map((text, index) => [place_of(index), text]) : [],
  };
};

const ranges_of = (text) =>
  new Map(
    list_of(text)
      .map((part) => {
        const cut = part.lastIndexOf(":", part.lastIndexOf(":") - 1);
        return [
          part.slice(0, cut),
          part
            .slice(cut + 1)
            .split(":")
            .map(Number),
        ];
      })
      .filter(([, range]) => range.length === 2 && range.every(is_number)),
  );
const ranges_text = (ranges) =>
  list_text([...ranges].map(([name, range]) => [name, ...range.map((value) => +value.toPrecision(6))].join(":")));

const axis_named = (results, groups, keys, name) => {
  const key = keys.find((one) => one.key.key === name);
  if (key && !key.numeric) return named_axis(name, key.key.short, key.texts, key.names);
  return numeric_axis(
    name,
    key ? key.key.short : name,
    key ? key.numbers : groups.map((group) => value_of(results, group, name)),
  );
};

// Of each row, from 0 for the worst to 1 for the best, by rank.
const shares_of = (results, groups, metric) => {
  const ranks = ranks_of(groups.map((group) => -badness(value_of(results, group, metric.name), metric.goal)));
  return ranks.map((rank) => rank / Math.max(1, groups.length - 1));
};

// An axis's range as two fields.
const range_fields = (axis, range, changed) => {
  const now = range || [axis.value_at(0), axis.value_at(1)];
  const field = (side) => {
    const changes = (event) => changed(now.map((value, i) => (i === side ? Number(event.target.value) : value)));
    const named = {
      "aria-label": `${side ? "most" : "least"} of ${axis.title}`,
      "data-key": `range-${axis.name}-${side}`,
      onchange: changes,
    };
    if (axis.is_numeric)
      return make("input", { type: "number", step: "any", value: +now[side].toPrecision(4), ...named });
    return make(
      "select",
      named,
      axis.names.map((name, i) => make("option", { value: i, selected: i === Math.round(now[side]) }, name)),
    );
  };
  return make("div", { class: "range-of" }, make("span", {}, axis.title), field(0), " to ", field(1));
};
