/** The API reference: it is what the sources say, and its links lead somewhere. */
import { readFileSync } from 'node:fs';
import test from 'ava';
import { apiPage } from '../../docs/api.ts';
import * as core from '../../src/index.ts';
import * as koa from '../../src/koa.ts';
import * as testing from '../../src/testing.ts';

const DOCS = new URL('../../docs/', import.meta.url);
const page = readFileSync(new URL('api.md', DOCS), 'utf8');

/** The anchors of a page, as GitHub makes them of its headings. */
function anchorsOf(text: string): string[] {
  const anchors = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
  return anchors.map((anchor, at) => {
    const before = anchors.slice(0, at).filter((one) => one === anchor).length;
    return before === 0 ? anchor : `${anchor}-${before}`;
  });
}

test('docs/api.md is what the sources say (if not, run: npm run docs)', async (t) => {
  t.is(await apiPage(), page);
});

test('the reference has each export, and each member that users call', (t) => {
  const anchors = new Set(anchorsOf(page));
  const names = [core, koa, testing].flatMap((entry) => Object.keys(entry));
  for (const name of [...names, 'Tandem.own', 'Owner.set', 'Follower.ready', 'AnyParticipant.watch'])
    t.true(anchors.has(name.toLowerCase().replace('.', '')), name);
});

test('the reference shows nothing that is internal or private', (t) => {
  t.notRegex(page, /@internal|#\w+\(/);
  for (const name of ['StateView', 'Leadership', 'catchUp', 'snapshotRows', 'loadMeter', 'requireSchema'])
    t.false(page.includes(name), name);
});

test('each link within the reference, and each to an error, leads to a heading', (t) => {
  const anchors = new Set(anchorsOf(page));
  const errors = new Set(anchorsOf(readFileSync(new URL('errors.md', DOCS), 'utf8')));
  for (const [, file, anchor] of page.matchAll(/\]\((errors\.md)?#([^)]+)\)/g))
    t.true((file === undefined ? anchors : errors).has(anchor!), anchor);
});
