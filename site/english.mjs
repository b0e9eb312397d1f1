// Spelling and grammar of the documents, by Harper (npm), without a network. `scripts/english` calls it with the files.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [packages, ...files] = process.argv.slice(2);
const library = name => import(pathToFileURL(path.resolve(packages, 'node_modules/harper.js/dist', name)));
const { LocalLinter, Dialect } = await library('index.js');
const { binary } = await library('binary.js');

// Matters of taste, and rules that take formulas and the field's terms for mistakes.
const off = ['SentenceCapitalization', 'UseTitleCase', 'OxfordComma', 'LongSentences', 'SplitWords', 'MergeWords', 'Overall',
  'ExpandMemoryShorthands', 'ExpandMinimum', 'ExpandConfiguration', 'ExpandControl', 'ExpandTimeShorthands', 'ExpandDirectory',
  'ExpandStandardInputAndOutput', 'CapitalizePersonalPronouns', 'DisjointPrefixes', 'AnA', 'MassNouns',
  'QuantifierNumeralConflict', 'OrthographicConsistency', 'CompoundNouns', 'MissingTo', 'SingleBe', 'PhrasalVerbAsCompoundNoun',
  'UseEllipsisCharacter', 'EllipsisLength', 'PronounInflectionBe', 'ItsContraction', 'ThereIsAgreement', 'Spaces',
  'MissingPreposition', 'MissingDeterminer', 'CondenseAllThe', 'TransposedSpace', 'ThereToTheir', 'OneOfTheSingular',
  'HavePronoun', 'DiscourseMarkers', 'Dashes', 'WereWhere', 'Everyone', 'UnclosedQuotes', 'FindOut', 'ToTwoToo',
  'LetsConfusion'];
const blank = text => text.replace(/[^\n]/g, ' ');

// Prose alone, every line where it was: no code, addresses, formulas or references.
function prose(text) {
  return text
    .replace(/^ *(```|~~~)[^]*?^ *\1$/gm, blank)
    .replace(/^ {4}.*$/gm, blank)
    .replace(/^References?:(.+\n)+/gm, blank)
    .replace(/`[^`]*`/g, blank)
    .replace(/\]\([^)]*\)/g, blank)
    .replace(/\[[a-zA-Z0-9./-]+(?=[ \]])/g, blank)
    .replace(/\S*[^\x00-\x7F_\n]\S*|\S*[_=^|\\{}⟨]\S*|\S*\d\S*/g, word => (/^[“”’‘–—]+$/.test(word) ? word : blank(word)));
}

const linter = new LocalLinter({ binary, dialect: Dialect.British });
await linter.setup();
const rules = await linter.getDefaultLintConfig();
for (const rule of off) rules[rule] = false;
await linter.setLintConfig(rules);
const words = fs.readFileSync(new URL('words.txt', import.meta.url), 'utf8').split('\n').filter(word => word && !word.startsWith('#'));
await linter.importWords(words);
let count = 0;
for (const file of files) {
  const text = prose(fs.readFileSync(file, 'utf8'));
  for (const lint of await linter.lint(text, { language: 'markdown' })) {
    const at = lint.span().start;
    // Of what is left out, and variables.
    if (/ {2}|\n|^[ ,]*$|^[a-zA-Z]( [a-zA-Z])?\.?$/.test(lint.get_problem_text())) continue;
    console.log(`${file}:${text.slice(0, at).split('\n').length}: ${lint.get_problem_text()}: ${lint.message()}`);
    ++count;
  }
}
console.log(`${files.length} files, ${count} remarks`);
process.exit(count ? 1 : 0);
