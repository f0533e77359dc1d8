/** The runbook is complete: whatever the page, an alert or a log can say has its section, with all four parts. */
import { readFileSync } from 'node:fs';
import test from 'ava';
import { ERRORS } from '../../src/base/error-codes.ts';
import { HEADLINES } from '../../src/http/headlines.ts';

const ROOT = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');
const runbook = read('docs/on-call.md');

/** The sections of the third level, each with its heading and its text. */
const sections = runbook
  .split(/^(?=#{1,3} )/m)
  .filter((section) => section.startsWith('### '))
  .map((section) => {
    const end = section.indexOf('\n');
    return { heading: section.slice(4, end).trim(), text: section.slice(end) };
  });

function sectionOf(name: string): string {
  return sections.find(({ heading }) => heading === name)?.text ?? '';
}

/** A section may be about several codes. */
const coded = new Set(sections.flatMap(({ heading }) => heading.match(/\b[A-Z]+(?:_[A-Z]+)*\b/g) ?? []));

test('each headline has a section that quotes all of its forms', (t) => {
  for (const [name, { says }] of Object.entries(HEADLINES)) {
    const quotes = sectionOf(name)
      .split('\n')
      .filter((line) => line.startsWith('> '))
      .map((line) => line.slice(2));
    t.deepEqual(quotes, Object.values<string>(says).toSorted(byPlaceIn(quotes)), name);
  }
  t.true(sectionOf('no-contact').includes('> No contact with this process.'));
});

/** The order of the forms is the runbook's own. */
function byPlaceIn(quotes: readonly string[]) {
  return (a: string, b: string): number => quotes.indexOf(a) - quotes.indexOf(b);
}

test('each alert has a section', (t) => {
  const names = [...read('docs/grafana/prometheus/alerts.yaml').matchAll(/- alert: (\w+)/g)].map(
    ([, name]) => name!,
  );
  t.true(names.length > 3);
  t.deepEqual(
    names.filter((name) => sectionOf(`alert-${name.toLowerCase()}`) === ''),
    [],
  );
});

test('each code of an error has a section', (t) => {
  t.deepEqual(
    Object.keys(ERRORS).filter((code) => !coded.has(code)),
    [],
  );
});

test('each section says what it means, what to check, what to do, and when it is over', (t) => {
  t.true(sections.length > 35);
  for (const { heading, text } of sections) {
    const parts = [...text.matchAll(/^\*\*(\w+):\*\*/gm)].map(([, part]) => part);
    t.deepEqual(parts, ['Means', 'Check', 'Do', 'Over'], heading);
  }
});
