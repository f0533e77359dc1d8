/** The API reference: it is what the sources say. `docs-links.test.ts` follows its links. */
import { readFileSync } from 'node:fs';
import test from 'ava';
import { apiPage } from '../../docs/api.ts';
import * as core from '../../src/index.ts';
import * as koa from '../../src/koa.ts';
import * as testing from '../../src/testing.ts';
import { anchorsOf } from '../_anchors.ts';

const DOCS = new URL('../../docs/', import.meta.url);
const page = readFileSync(new URL('api.md', DOCS), 'utf8');

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
