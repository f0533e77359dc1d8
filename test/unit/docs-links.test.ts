/** The pages of the docs lead to each other: no link is broken, and the index has them all. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { anchorsOf } from '../_anchors.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const PAGES = globSync('{README,CHANGELOG,CONTRIBUTING,SECURITY,docs/*,docs/lab/*}.md', { cwd: ROOT });

interface Link {
  /** Relative to the root. */
  readonly file: string;
  readonly anchor: string | undefined;
}

/** The links of a page that lead to files, and to places in them. */
function linksOf(page: string): Link[] {
  const text = readFileSync(join(ROOT, page), 'utf8').replaceAll(/^```[^]*?^```/gm, '');
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target!)
    .filter((target) => !/^\w+:/.test(target))
    .map((target) => {
      const [file, anchor] = target.split('#');
      return { file: file === '' ? page : join(dirname(page), file!), anchor };
    });
}

test('each link of the docs leads to a file', (t) => {
  t.true(PAGES.length > 15);
  const broken = PAGES.flatMap((page) =>
    linksOf(page)
      .filter(({ file }) => !existsSync(join(ROOT, file)))
      .map(({ file }) => `${page}: ${file}`),
  );
  t.deepEqual(broken, []);
});

test('each link to a place in a page leads to a heading', (t) => {
  const anchors = new Map(
    PAGES.map((page) => [page, new Set(anchorsOf(readFileSync(join(ROOT, page), 'utf8')))]),
  );
  const broken = PAGES.flatMap((page) =>
    linksOf(page)
      .filter(({ file, anchor }) => anchor !== undefined && anchors.get(file)?.has(anchor) === false)
      .map(({ file, anchor }) => `${page}: ${file}#${anchor}`),
  );
  t.deepEqual(broken, []);
});

test('the index of the docs has every page', (t) => {
  const listed = new Set(linksOf('docs/README.md').map(({ file }) => file));
  const pages = globSync('docs/*.md', { cwd: ROOT }).filter((page) => page !== 'docs/README.md');
  t.deepEqual(
    pages.filter((page) => !listed.has(page)),
    [],
  );
});

test('each link that comes with the package leads to what comes with it', (t) => {
  const { files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { files: string[] };
  const packed = new Set([
    'README.md',
    'LICENSE',
    'package.json',
    ...files.flatMap((pattern) => globSync([pattern, `${pattern}/**`], { cwd: ROOT })),
  ]);
  // Contributors have the sources.
  const pages = PAGES.filter((page) => packed.has(page) && page !== 'CONTRIBUTING.md');
  const dead = pages.flatMap((page) =>
    linksOf(page)
      .filter(({ file }) => !packed.has(file.replace(/\/$/, '')))
      .map(({ file }) => `${page}: ${file}`),
  );
  t.deepEqual(dead, []);
});
