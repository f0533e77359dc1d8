import { readdirSync } from 'node:fs';
import test from 'ava';
import { EMBEDDED, read, uncommented } from '../../build/embed.ts';
import { CHARTS } from '../../src/http/page/chart-texts.ts';
import { PAGE } from '../../src/http/page/texts.ts';
import { LUA } from '../../src/redis/script-texts.ts';

for (const [path, text] of Object.entries(EMBEDDED)) {
  test(`${path} is up to date (if not, run: npm run embed)`, (t) => t.is(read(path), text()));
}

test('each Lua file is in its module, to the letter but for its comments', (t) => {
  const files = readdirSync('src/redis/scripts').filter((name) => name.endsWith('.lua'));
  t.deepEqual(
    { ...LUA },
    Object.fromEntries(
      files.map((name) => [name.slice(0, -4), uncommented(read(`src/redis/scripts/${name}`))]),
    ),
  );
});

test('what is called a comment of a Lua file is whole lines that begin as one', (t) => {
  t.is(uncommented("-- a\nlocal b = '--' -- c\n  -- d\n-- e"), "local b = '--' -- c\n-- e");
});

test('each file of the page is in its module, to the letter', (t) => {
  const files = readdirSync('src/http/page/browser');
  t.deepEqual(
    { ...PAGE },
    Object.fromEntries(files.map((name) => [name, read(`src/http/page/browser/${name}`)])),
  );
});

test('the chart library is a module with a default export, and has its licence in it', async (t) => {
  const source = CHARTS['uPlot.js'];
  const { default: uPlot } = (await import(`data:text/javascript,${encodeURIComponent(source)}`)) as {
    default: unknown;
  };
  t.is(typeof uPlot, 'function');
  t.regex(source, /Permission is hereby granted/);
  t.regex(CHARTS['uPlot.css'], /Permission is hereby granted/);
});
