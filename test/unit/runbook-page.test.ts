/** The runbook as a page: its headings have the anchors that links lead to, and nothing in it is markup. */
import test from 'ava';
import { ERRORS } from '../../src/base/error-codes.ts';
import { HEADLINES } from '../../src/http/headlines.ts';
import { RUNBOOK } from '../../src/http/page/runbook-text.ts';
import { pageOf } from '../../build/markdown.ts';

const html = RUNBOOK['on-call.html'];
const ids = new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id!));

test('each headline, each code and each link in it has its place', (t) => {
  const wanted = [
    ...Object.keys(HEADLINES),
    'no-contact',
    ...Object.keys(ERRORS).map((code) => `error-${code}`),
    ...[...html.matchAll(/href="#([^"]+)"/g)].map(([, anchor]) => anchor!),
  ];
  t.deepEqual(
    wanted.filter((id) => !ids.has(id)),
    [],
  );
});

test('Markdown becomes HTML, and text stays text', (t) => {
  const page = pageOf(
    '# A <b>\n\n**bold** `a < b` [up](#a) [far](x.md#y)\n\n- one\n- two\n\n| a |\n| - |\n| b |',
    'docs/',
  );
  t.regex(page, /<h1 id="a-b">A &lt;b&gt;<\/h1>/);
  t.regex(
    page,
    /<strong>bold<\/strong> <code>a &lt; b<\/code> <a href="#a">up<\/a> far \(<code>docs\/x\.md#y<\/code>\)/,
  );
  t.regex(page, /<li>one<\/li>\n<li>two<\/li>/);
  t.regex(page, /<th>a<\/th>[^]*<td>b<\/td>/);
});
