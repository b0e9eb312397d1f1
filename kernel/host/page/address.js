// What is shown, as it stands in the address after '#': a link is a view. Defaults are left out.

// Lists, in which names may have any characters.
const list_of = (text) =>
  text
    ? text.split(",").map((part) => {
        try {
          return decodeURIComponent(part);
        } catch {
          return part;
        }
      })
    : [];
const list_text = (names) => names.map((name) => String(name).replace(/[%,]/g, encodeURIComponent)).join(",");

// "3-5,9": numbers of trials, so that many stay short.
const numbers_of = (text) =>
  list_of(text).flatMap((part) => {
    const [first, last = first] = part.split("-").map(Number);
    return Number.isInteger(first) && Number.isInteger(last) && last - first < 1e5
      ? Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i)
      : [];
  });
const numbers_text = (numbers) => {
  const sorted = [...new Set(numbers)].sort((a, b) => a - b),
    parts = [];
  for (let i = 0, end; i < sorted.length; i = end) {
    for (end = i + 1; end < sorted.length && sorted[end] === sorted[end - 1] + 1; ++end);
    parts.push(end - i > 1 ? `${sorted[i]}-${sorted[end - 1]}` : sorted[i]);
  }
  return parts.join(",");
};

// {page: "experiment", name: "a b", words: {...}} of "#/experiment/a%20b?sort=kl".
const read_address = (hash = location.hash) => {
  const [path, words = ""] = hash.replace(/^#?\/?/, "").split("?", 2);
  const [page, ...rest] = path.split("/");
  let name = rest.join("/");
  try {
    name = decodeURIComponent(name);
  } catch {
    /* a hand-made link: as it stands */
  }
  return { page: page || "experiments", name, words: Object.fromEntries(new URLSearchParams(words)) };
};
const address_of = ({ page, name = "", words = {} }) => {
  const path = page === "experiments" ? "#/" : `#/${page}${name === "" ? "" : `/${encodeURIComponent(name)}`}`;
  return path + query_text(words);
};

const experiment_link = (name, words = {}) => address_of({ page: "experiment", name, words });
const trial_link = (id) => address_of({ page: "trial", name: String(id) });

// Changes words of the view that is shown, without a new entry in the history; null takes one out.
const change_view = (changes) => {
  const { page, name, words } = read_address();
  const merged = Object.fromEntries(
    Object.entries({ ...words, ...changes }).filter(([, value]) => value !== null && value !== ""),
  );
  history.replaceState(null, "", address_of({ page, name, words: merged }));
  redraw_page();
};

// Trials whose curves are drawn.
const set_trials = (numbers) => change_view({ chosen: numbers_text([...numbers]) });
const choose_trials = (ids, on) => {
  const chosen = new Set(numbers_of(read_address().words.chosen));
  for (const id of ids)
    if (on) chosen.add(id);
    else chosen.delete(id);
  set_trials(chosen);
};
