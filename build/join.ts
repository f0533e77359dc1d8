/**
 * Joins the compiled modules into one file for each entry, and one for all that entries share. Node needs half a
 * millisecond for every file of an ES module that it loads, which is more than our modules take to run.
 *
 * A program must start at once. So what it shares with the main entry is in a file apart from the rest of the
 * core, and what its own files share is in one that no entry loads.
 *
 * A module becomes a function that is called once, in the order of evaluation, and returns its exports. Its imports
 * are constants at its top. There are no circles between modules, so each is ready before the next one needs it.
 * This file knows the forms that the compiler writes for our sources, and refuses every other one.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { posix } from 'node:path';

/** What entries share. */
const CORE = 'src/core.js';
/** What programs share with the main entry. */
const BASE = 'src/base.js';
/** What the files of programs share. */
const PROGRAM = 'src/program.js';

interface Name {
  readonly theirs: string;
  readonly ours: string;
}

interface Import {
  readonly names: readonly Name[];
  /** A path from the root of the build, or a package. */
  readonly from: string;
}

export interface Module {
  readonly path: string;
  readonly imports: readonly Import[];
  /** Exported again without being used. */
  readonly passed: readonly Import[];
  readonly exports: readonly string[];
  /** Imported when it is first needed. */
  readonly later: readonly string[];
  readonly body: string;
}

const IMPORT = /^import \{ (.+) \} from '(.+)';\n/gm;
const PASSED = /^export \{ (.+) \} from '(.+)';\n/gm;
const NOTHING = /^export \{\};\n?/gm;
const DECLARED = /^export ((?:async )?function\*?|class|const) ([\w$]+)/gm;
const LATER = /\bimport\('(\..+?)'\)/g;
const REFUSED = /^(?:import|export)\b.*|\bimport\.meta\b.*/m;

/** @throws where the module has a form that cannot be joined */
export function parse(path: string, text: string): Module {
  const at = (from: string): string => (from.startsWith('.') ? posix.join(posix.dirname(path), from) : from);
  const read = (pattern: RegExp): Import[] =>
    [...text.matchAll(pattern)].map(([, names = '', from = '']) => ({
      names: namesIn(names),
      from: at(from),
    }));
  const exports: string[] = [];
  const body = text
    .replace(IMPORT, '')
    .replace(PASSED, '')
    .replace(NOTHING, '')
    .replace(DECLARED, (_, kind: string, name: string) => {
      exports.push(name);
      return `${kind} ${name}`;
    });
  const later = [...body.matchAll(LATER)].map(([, from = '']) => at(from));
  return { path, imports: read(IMPORT), passed: read(PASSED), exports, later, body };
}

function namesIn(list: string): Name[] {
  return list.split(', ').map((name) => {
    const [theirs = '', ours = theirs] = name.split(' as ');
    return { theirs, ours };
  });
}

/**
 * @param entries paths of modules that stay files of their own, the main entry first
 * @param programs those of them that are programs
 * @returns the text of each file, by its path
 */
export function join(
  modules: ReadonlyMap<string, Module>,
  entries: readonly string[],
  programs: readonly string[] = [],
): Map<string, string> {
  const [main = ''] = entries;
  const files = new Set(entries);
  const ofPrograms = new Set(programs);
  /** By module: the files that need it at once. */
  const users = new Map<string, string[]>();
  // A file that is added while the loop runs is visited as well.
  for (const file of files)
    for (const path of reachable(modules, file)) {
      users.set(path, [...(users.get(path) ?? []), file]);
      for (const later of modules.get(path)!.later) {
        files.add(later);
        if (ofPrograms.has(file)) ofPrograms.add(later);
      }
    }
  /** A file of a program that needs the main entry has all of the core in any case. */
  const isLight = (file: string): boolean => ofPrograms.has(file) && !users.get(main)?.includes(file);
  const homeOf = (by: readonly string[]): string => {
    if (by.includes(main)) return by.some(isLight) ? BASE : CORE;
    if (by.length === 1) return by[0]!;
    return by.every((file) => ofPrograms.has(file)) ? PROGRAM : CORE;
  };
  const homes = new Map<string, string>();
  for (const [path, by] of users) if (!files.has(path)) homes.set(path, homeOf(by));
  const order = [...homes.keys()];
  const written = new Map<string, string>();
  for (const file of [CORE, BASE, PROGRAM, ...files]) {
    const parts = order.filter((path) => homes.get(path) === file).map((path) => modules.get(path)!);
    if (parts.length === 0 && !files.has(file)) continue;
    written.set(file, new File(file, homes).write(parts, files.has(file) ? modules.get(file) : undefined));
  }
  return written;
}

/** A name that a module declares at its top: the compiler indents everything else. */
const TOP = /^(?:async )?(?:function\*?|class|const|let) ([\w$]+)/gm;

/**
 * The text of an entry with all that it needs: it shares nothing, so a browser loads what it needs and no more.
 * Its modules stand one after the other in one scope, where a bundler can shorten each name.
 * @throws where two modules have the same name, or give one a name of its own
 */
export function joinAlone(modules: ReadonlyMap<string, Module>, entry: string): string {
  const taken = new Set<string>();
  const parts = [...reachable(modules, entry)].map((path) => {
    const { body, imports } = modules.get(path)!;
    const renamed = imports.flatMap(({ names }) => names).find(({ theirs, ours }) => theirs !== ours);
    const refused =
      renamed?.ours ?? imports.find(({ from }) => !from.endsWith('.js'))?.from ?? REFUSED.exec(body)?.[0];
    if (refused !== undefined) throw new Error(`${path}: cannot be joined with others: ${refused}`);
    for (const [, name = ''] of body.matchAll(TOP)) {
      if (taken.has(name)) throw new Error(`${path}: another module has the name ${name}, too`);
      taken.add(name);
    }
    return body;
  });
  const { exports, passed } = modules.get(entry)!;
  const names = [...exports, ...passed.flatMap(({ names }) => names.map(({ ours }) => ours))];
  return `${parts.join('')}export { ${names.join(', ')} };\n`;
}

/** The modules that an entry needs at once, each after those that it imports, the entry last. */
function reachable(
  modules: ReadonlyMap<string, Module>,
  entry: string,
  found = new Set<string>(),
): Set<string> {
  const module = modules.get(entry);
  if (module === undefined) throw new Error(`${entry}: no such module`);
  for (const { from } of [...module.imports, ...module.passed])
    if (from.endsWith('.js') && !found.has(from)) reachable(modules, from, found);
  return found.add(entry);
}

class File {
  readonly #path: string;
  readonly #homes: ReadonlyMap<string, string>;
  /** From each other file and package, the names that are imported, and the constants that they become. */
  readonly #imported = new Map<string, Map<string, string>>();

  constructor(path: string, homes: ReadonlyMap<string, string>) {
    this.#path = path;
    this.#homes = homes;
  }

  write(parts: readonly Module[], entry: Module | undefined): string {
    const text = parts.map((part) => this.#function(part)).join('');
    const end = entry
      ? this.#entry(entry)
      : `export { ${parts.map(({ path }) => constantOf(path)).join(', ')} };\n`;
    const imports = [...this.#imported].map(([from, names]) => {
      const list = [...names]
        .map(([theirs, ours]) => (theirs === ours ? ours : `${theirs} as ${ours}`))
        .join(', ');
      return `import { ${list} } from '${from}';\n`;
    });
    const [shebang = ''] = /^#!.*\n/.exec(end) ?? [];
    return `${shebang}${imports.join('')}${text}${end.slice(shebang.length)}`;
  }

  #function(module: Module): string {
    const { path, passed, exports } = module;
    const given = [...exports, ...passed.flatMap(({ names }) => names.map(({ ours }) => ours))];
    const body = `${this.#constants(module)}${this.#body(module)}return { ${given.join(', ')} };\n`;
    return `const ${constantOf(path)} = /* @__PURE__ */ (() => {\n${body}})();\n`;
  }

  #entry(module: Module): string {
    const names = [...module.exports, ...module.passed.flatMap(({ names }) => names.map(({ ours }) => ours))];
    const [shebang = ''] = /^#!.*\n/.exec(module.body) ?? [];
    const body = this.#body(module).slice(shebang.length);
    return `${shebang}${this.#constants(module)}${body}export { ${names.join(', ')} };\n`;
  }

  #constants({ imports, passed }: Module): string {
    const known = new Set(imports.flatMap(({ names }) => names.map(({ ours }) => ours)));
    const others = passed.map(({ names, from }) => ({
      names: names.filter(({ ours }) => !known.has(ours)),
      from,
    }));
    return [...imports, ...others].map((each) => this.#constant(each)).join('');
  }

  #constant({ names, from }: Import): string {
    const home = this.#homes.get(from);
    if (home === undefined)
      return names.map(({ theirs, ours }) => `const ${ours} = ${this.#import(from, theirs)};\n`).join('');
    const constant = home === this.#path ? constantOf(from) : this.#import(home, constantOf(from));
    return `const { ${names.map(({ theirs, ours }) => (theirs === ours ? ours : `${theirs}: ${ours}`)).join(', ')} } = ${constant};\n`;
  }

  /** @returns the constant that the import becomes */
  #import(from: string, name: string): string {
    const specifier = from.endsWith('.js') ? relative(this.#path, from) : from;
    const names = this.#imported.get(specifier) ?? new Map<string, string>();
    this.#imported.set(specifier, names);
    if (!names.has(name)) names.set(name, name.startsWith('$') ? name : `${constantOf(from)}_${name}`);
    return names.get(name)!;
  }

  #body({ path, body }: Module): string {
    const refused = this.#homes.has(path) ? REFUSED.exec(body)?.[0] : undefined;
    if (refused !== undefined) throw new Error(`${path}: cannot be joined with others: ${refused}`);
    return body.replace(
      LATER,
      (_, from: string) => `import('${relative(this.#path, posix.join(posix.dirname(path), from))}')`,
    );
  }
}

function constantOf(path: string): string {
  return `$${path.replace(/^src\/|\.js$/g, '').replace(/\W/g, '_')}`;
}

function relative(file: string, to: string): string {
  const path = posix.relative(posix.dirname(file), to);
  return path.startsWith('.') ? path : `./${path}`;
}

/** One character beyond Latin-1 doubles what a file takes in memory. The sources have them in strings alone. */
function inAscii(text: string): string {
  return text.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/**
 * The text without the indentation of its lines, a sixth of what Node has to read at an import. The lines stay, since
 * a stack trace names them. A line that begins within a template stays as it is: its spaces are text.
 * @throws where a template has no end: the text has a backquote that begins none
 */
export function unindented(text: string): string {
  let isInTemplate = false;
  const lines = text.split('\n').map((line) => {
    const shown = isInTemplate ? line : line.trimStart();
    if (line.split('`').length % 2 === 0) isInTemplate = !isInTemplate;
    return shown;
  });
  if (isInTemplate) throw new Error('a template has no end');
  return lines.join('\n');
}

/**
 * The compiled files of a folder become the joined ones. Declarations stay as they are.
 * @param alone entries that share nothing with others
 */
export function joinFolder(
  folder: URL,
  entries: readonly string[],
  programs: readonly string[],
  alone: readonly string[],
): void {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.js'));
  const modules = new Map(
    paths.map((path) => [path, parse(path, readFileSync(new URL(path, folder), 'utf8'))] as const),
  );
  const files = join(modules, entries, programs);
  for (const entry of alone) files.set(entry, joinAlone(modules, entry));
  for (const path of paths) rmSync(new URL(path, folder));
  for (const [path, text] of files) writeFileSync(new URL(path, folder), unindented(inAscii(text)));
}
