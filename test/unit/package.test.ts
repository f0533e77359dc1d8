/** What package.json says is true, and works on any system. */
import { readFileSync } from 'node:fs';
import test from 'ava';

interface PackageJson {
  readonly engines: { readonly node: string };
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly typesVersions: { readonly '*': Readonly<Record<string, unknown>> };
}

const about = JSON.parse(readFileSync('package.json', 'utf8')) as PackageJson;

test('no script needs a POSIX shell', (t) => {
  for (const [name, script] of Object.entries(about.scripts))
    for (const command of script.split(/ && | \|\| /))
      t.regex(command, /^(?:node|npm|ava|oxlint|prettier|tsc|publint|attw) ?[^'$`;|<>*]*$/, name);
});

test('the README names the oldest Node that package.json takes, and the smoke test runs it', (t) => {
  const [, oldest] = /^>=(\d+\.\d+)\.0$/.exec(about.engines.node)!;
  t.deepEqual(
    [...readFileSync('README.md', 'utf8').matchAll(/Node (\d+(?:\.\d+)?)/g)].map(([, version]) => version),
    [oldest],
  );
  t.true(readFileSync('test/runtimes/package.json', 'utf8').includes(`node@${oldest}.0"`));
});

test('who uses no HTTP installs neither Koa nor the page’s charts', (t) => {
  t.deepEqual(
    Object.keys(about.dependencies).filter((name) => /koa|uplot/.test(name)),
    [],
  );
});

test('each entry has types for resolvers that do not know exports', (t) => {
  const entries = Object.keys(about.exports).filter(
    (path) => path.startsWith('./') && path !== './package.json',
  );
  t.deepEqual(
    Object.keys(about.typesVersions['*']),
    entries.map((path) => path.slice(2)),
  );
});
