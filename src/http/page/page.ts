/**
 * The live page: a few files, served as they are. Its addresses are relative, so that it can be mounted
 * anywhere. Its content security policy forbids other origins, inline scripts and `eval`.
 *
 * The files are texts in modules (`npm run embed`), which are loaded when the page is first asked for. The runbook
 * is one of them: whoever is on call may have no docs at hand.
 */
import type { Router } from '@koa/router';
import type { Context } from 'koa';
import { addressOf } from '../address.ts';
import { route } from '../methods.ts';
import { Problem } from '../problem.ts';

/** Served at the root, and nowhere else. */
const ENTRY = 'index.html';

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
};

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

export function servePage(router: Router): void {
  route(router, '/', answerPage);
  route(router, '/page/:file', async (ctx) => {
    const { file = '' } = ctx.params;
    const files = await load();
    if (file === ENTRY || !Object.hasOwn(files, file))
      throw new Problem('NOT_FOUND', `the page has no file ${JSON.stringify(file)}`);
    answerFile(ctx, files[file]!, file.slice(file.lastIndexOf('.') + 1));
  });
}

/** The texts of all files, by name. A module is evaluated once, however often it is imported. */
async function load(): Promise<Readonly<Record<string, string>>> {
  const [{ PAGE }, { CHARTS }, { RUNBOOK }] = await Promise.all([
    import('./texts.ts'),
    import('./chart-texts.ts'),
    import('./runbook-text.ts'),
  ]);
  return { ...PAGE, ...CHARTS, ...RUNBOOK };
}

async function answerPage(ctx: Context): Promise<void> {
  const { path, query } = addressOf(ctx);
  // Relative addresses resolve against the last slash of the path, so the page needs one at its end.
  if (!path.endsWith('/')) {
    ctx.status = 308;
    const last = path.slice(path.lastIndexOf('/') + 1);
    ctx.set('Location', `./${last}/${query === undefined ? '' : `?${query}`}`);
    return;
  }
  answerFile(ctx, (await load())[ENTRY]!, 'html');
}

function answerFile(ctx: Context, text: string, extension: string): void {
  ctx.set({
    'Cache-Control': 'no-cache',
    'Content-Security-Policy': POLICY,
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  });
  ctx.type = TYPES[extension]!;
  ctx.body = text;
}
