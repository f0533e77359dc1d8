/** The pages of the docs lead to each other: no link is broken, and the index has them all. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';

const ROOT = new URL('../../', import.meta.url).pathname;
const PAGES = globSync('{README,CHANGELOG,CONTRIBUTING,SECURITY,docs/*,docs/lab/*}.md', { cwd: ROOT });

/** The targets of the links of a page that lead to files, relative to the root. */
function targetsOf(page: string): string[] {
  const text = readFileSync(join(ROOT, page), 'utf8').replaceAll(/^```[^]*?^```/gm, '');
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target!.split('#')[0]!)
    .filter((target) => target !== '' && !/^\w+:/.test(target))
    .map((target) => join(dirname(page), target));
}

test('each link of the docs leads to a file', (t) => {
  t.true(PAGES.length > 15);
  const broken = PAGES.flatMap((page) =>
    targetsOf(page)
      .filter((target) => !existsSync(join(ROOT, target)))
      .map((target) => `${page}: ${target}`),
  );
  t.deepEqual(broken, []);
});

test('the index of the docs has every page', (t) => {
  const listed = new Set(targetsOf('docs/README.md'));
  const pages = globSync('docs/*.md', { cwd: ROOT }).filter((page) => page !== 'docs/README.md');
  t.deepEqual(
    pages.filter((page) => !listed.has(page)),
    [],
  );
});
