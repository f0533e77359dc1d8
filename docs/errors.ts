/**
 * Writes `errors.md` from the tables of codes in the sources. `npm run docs` runs it; a test says when the page
 * is out of date.
 */
import { writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import type { ErrorRule } from '../src/base/error-codes.ts';
import { ERRORS } from '../src/base/error-codes.ts';
import type { ProblemRule } from '../src/http/problem.ts';
import { PROBLEMS, STATUS } from '../src/http/problem.ts';

const PAGE = new URL('errors.md', import.meta.url);

const INTRODUCTION = `# Errors

<!-- \`npm run docs\` writes this page from src/base/error-codes.ts and src/http/problem.ts. -->

Whatever Tandem throws, rejects with or reports in an \`error\` event is a \`TandemError\`:

- \`code\` is stable: let programs look at it alone.
- \`retryable\` says whether the error passes by itself: the same call can succeed later, without a change by anybody.
- \`message\` is for people, and may change. It never holds a value of yours, a token or a password.
- \`remedy\` says what to do, as this page does.
- \`cause\` has the error underneath, where there is one.

\`OWNED_ELSEWHERE\` is an \`OwnedElsewhereError\`, which has the other's name in \`owner\`. \`INVALID_VALUE\`, \`NOT_JSON\` and \`TOO_LARGE\` of
a value are an \`InvalidValueError\`, which has \`key\` and \`issues\`.

A warning (\`STALENESS_BOUND\`, \`EVICTION_POLICY\`) comes as an \`error\` event, and nothing has failed yet.
`;

const OVER_HTTP = `## Over HTTP

An error is \`application/problem+json\` with the same \`code\`. Of the codes above, HTTP answers these with a status of their own, and any
other with 500:
`;

const HTTP_ALONE = `These codes only HTTP has:`;

/** The page as it has to be. */
export async function errorsPage(): Promise<string> {
  const statuses = Object.entries(STATUS).map(([code, status]) => `- \`${code}\`: ${status}`);
  const text = [
    INTRODUCTION,
    summary(ERRORS),
    ...sections(ERRORS, '##'),
    OVER_HTTP,
    statuses.join('\n'),
    HTTP_ALONE,
    ...sections(PROBLEMS, '###'),
  ].join('\n\n');
  return format(text, { ...(await resolveConfig(PAGE)), parser: 'markdown' });
}

/** All codes, each with a link to its section. */
function summary(rules: Readonly<Record<string, ErrorRule>>): string {
  const rows = Object.entries(rules).map(
    ([code, { retryable }]) => `| [\`${code}\`](#${code.toLowerCase()}) | ${retryable ? 'yes' : 'no'} |`,
  );
  return ['| code | passes by itself |', '| --- | --- |', ...rows].join('\n');
}

function sections(rules: Readonly<Record<string, ErrorRule | ProblemRule>>, level: string): string[] {
  return Object.entries(rules).map(([code, rule]) => {
    const passes = rule.retryable ? 'It passes by itself.' : 'It does not pass by itself.';
    const status = 'status' in rule ? ` (${rule.status})` : '';
    return `${level} ${code}${status}\n\n${rule.meaning} ${passes}\n\nWhat to do: ${rule.remedy}`;
  });
}

if (process.argv[1] === import.meta.filename) writeFileSync(PAGE, await errorsPage());
