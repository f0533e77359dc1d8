/**
 * Writes `api.md`, the API reference, from what `api-source.ts` reads in the sources. `npm run docs` runs it; a
 * test says when the page is out of date.
 */
import { writeFileSync } from 'node:fs';
import type { Options } from 'prettier';
import { format, resolveConfig } from 'prettier';
import { ERRORS } from '../src/base/error-codes.ts';
import type { Doc, Exported, Member } from './api-source.ts';
import { readEntries } from './api-source.ts';

const PAGE = new URL('api.md', import.meta.url);

const ENTRIES = [
  { name: 'tandem-sync', file: 'src/index.ts', text: 'Connect, define a space, own it or follow it.' },
  {
    name: 'tandem-sync/koa',
    file: 'src/koa.ts',
    text: 'The spaces of a process over HTTP, for Koa: `npm install koa @koa/router`.',
  },
  {
    name: 'tandem-sync/testing',
    file: 'src/testing.ts',
    text: 'A simulated Redis and a fake time, for tests of your own: see [testing](testing.md).',
  },
  {
    name: 'tandem-sync/client',
    file: 'src/client.ts',
    text: 'A space in a browser, or in anything else that has `fetch`: see [a client for browsers](client.md).',
  },
];

const INTRODUCTION = `# API reference

<!-- \`npm run docs\` writes this page from the docstrings. -->

Everything that the four entries export. How it fits together is in the [README](../README.md), and which option you want in [choosing](choosing.md).

- Times are in milliseconds (ms).
- Whatever fails, fails with a [\`TandemError\`](#tandemerror). Each code has its remedy in [errors](errors.md).
- \`D\` is the definition of a space, and \`K\` is one of its keys.
- What is not on this page is not public, and may change at any time.
`;

/** In the table of an entry, in this order. */
const KINDS = ['function', 'class', 'interface', 'type', 'constant'] as const;

/** The page as it has to be. */
export async function apiPage(): Promise<string> {
  const style = (await resolveConfig(PAGE)) ?? {};
  const entries = readEntries(ENTRIES.map(({ file }) => file));
  const writer = new Writer(entries.flat(), style);
  const seen = new Set<string>();
  const parts = [INTRODUCTION];
  for (const [index, { name, text }] of ENTRIES.entries()) {
    const exports = entries[index]!;
    parts.push(`## \`${name}\``, text, writer.contents(exports));
    for (const one of exports.filter(({ name }) => !seen.has(name))) {
      parts.push(...(await writer.section(one)));
      seen.add(one.name);
    }
  }
  return format(parts.join('\n\n'), { ...style, parser: 'markdown' });
}

function firstSentence(text: string): string {
  const [paragraph = ''] = text.split('\n');
  return (/^.*?[.:](?= [A-Z`]|$)/.exec(paragraph)?.[0] ?? paragraph)
    .replace(/:$/, '.')
    .replaceAll('|', '\\|');
}

/** The anchor of a heading, as GitHub makes it. */
function anchorOf(heading: string): string {
  return heading.toLowerCase().replaceAll(/[^\w-]/g, '');
}

class Writer {
  readonly #exports: ReadonlyMap<string, Exported>;
  readonly #anchors = new Map<string, string>();
  readonly #style: Options;

  /** @param exports of all entries, in the order of the page */
  constructor(exports: readonly Exported[], style: Options) {
    this.#exports = new Map(exports.map((one) => [one.name, one]));
    this.#style = style;
    // `FakeTime` and `fakeTime` have the same anchor: the second one gets a number.
    for (const name of this.#exports.keys()) {
      const same = [...this.#anchors.values()].filter((anchor) => anchor === anchorOf(name)).length;
      this.#anchors.set(name, same === 0 ? anchorOf(name) : `${anchorOf(name)}-${same}`);
    }
  }

  /** All exports of an entry, each with a link and its first sentence. */
  contents(exports: readonly Exported[]): string {
    const inOrder = KINDS.flatMap((wanted) => exports.filter(({ kind }) => kind === wanted));
    const rows = inOrder.map(
      ({ name, kind, doc }) => `| ${this.#linkTo(name)} | ${kind} | ${firstSentence(doc.text)} |`,
    );
    return ['| export | kind | what it is |', '| --- | --- | --- |', ...rows].join('\n');
  }

  #linkTo(name: string): string {
    return `[\`${name}\`](#${this.#anchors.get(name)})`;
  }

  /** The heading of an export, and all that there is to say of it. */
  async section(exported: Exported): Promise<string[]> {
    const { name, kind, code, doc, members, bases } = exported;
    const hasHead = kind === 'class' || kind === 'interface';
    const properties = members.filter(({ type }) => type !== undefined);
    const parts = [
      `### ${name}`,
      ...(code !== undefined && hasHead && code.includes('<') ? [`\`${code}\``] : []),
      ...(code !== undefined && !hasHead && !code.endsWith(' = { … }') ? [await this.#code(code)] : []),
      ...this.#prose(doc),
      properties.map((member) => this.#property(member)).join('\n'),
      ...bases.map((base) => this.#inherited(base)),
    ];
    for (const member of members)
      if (member.type === undefined) parts.push(...(await this.#method(name, member)));
    return parts.filter((part) => part !== '');
  }

  /** The members of an exported base, by name. */
  #inherited(base: string): string {
    const { members = [] } = this.#exports.get(base) ?? {};
    const names = members.map(({ name, type }) =>
      type === undefined ? `[\`${name}\`](#${anchorOf(`${base}.${name}`)})` : `\`${name}\``,
    );
    return `Besides, it has what ${this.#linkTo(base)} has: ${names.join(', ')}.`;
  }

  #property({ name, isOptional, type, doc }: Member): string {
    const shown = this.#exports.has(type!) ? this.#linkTo(type!) : `\`${type}\``;
    const [text = '', ...rest] = this.#prose(doc);
    const lines = [`- \`${name}${isOptional ? '?' : ''}\`: ${shown}. ${text}`, ...rest];
    return lines.join('\n').replaceAll('\n', '\n  ');
  }

  async #method(owner: string, { name, signatures, doc }: Member): Promise<string[]> {
    const blocks = await Promise.all(signatures.map((signature) => this.#code(signature, true)));
    return [`#### ${owner}.${name}`, ...blocks, ...this.#prose(doc)];
  }

  /** The text of a docstring, then its tags as a list. */
  #prose({ text, params, returns, throws }: Doc): string[] {
    const tags = [
      ...params.map(({ name, text }) => `- \`${name}\`: ${text}`),
      ...(returns === undefined ? [] : [`- Returns ${returns}`]),
      ...throws.map((what) => `- Throws ${this.#linked(what)}`),
    ];
    return [text, tags.join('\n')].filter((part) => part !== '');
  }

  /** The text of a `@throws`, where codes and classes lead to what is said of them. */
  #linked(text: string): string {
    return text
      .replaceAll(/`([A-Z_]+)`/g, (whole, code: string) =>
        code in ERRORS ? `[${whole}](errors.md#${code.toLowerCase()})` : whole,
      )
      .replace(/^\w+Error\b/, (name) => (this.#exports.has(name) ? this.#linkTo(name) : name));
  }

  /** A block of code in the style of this repository; what is no whole statement stays as it is. */
  async #code(code: string, isMember = false): Promise<string> {
    let text = code;
    try {
      const whole = isMember ? `interface Whole {\n${code}\n}` : code;
      text = await format(whole, { ...this.#style, printWidth: 100, parser: 'typescript' });
      if (isMember) text = text.replaceAll(/^.*\{\n|\n\}\n$/g, '').replaceAll(/^ {2}/gm, '');
    } catch {
      // A type whose body is shown as `…` is no code.
    }
    return `\`\`\`ts\n${text.trim().replace(/;$/, '')}\n\`\`\``;
  }
}

if (process.argv[1] === import.meta.filename) writeFileSync(PAGE, await apiPage());
