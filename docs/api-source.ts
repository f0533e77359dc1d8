/**
 * What the entries export, as their sources say it: names, signatures and docstrings, as plain data for `api.ts`.
 *
 * TypeScript's own API reads the sources. Left out is whatever is marked `@internal`, private or protected. It is
 * a problem, and told as one, where an export or a member has no docstring, or names a type that is not exported.
 */
import type { Node } from 'typescript/unstable/ast';
import { ModifierFlags } from 'typescript/unstable/ast';
import * as is from 'typescript/unstable/ast/is';
import type { Checker, JSDocTagInfo, Project, Symbol as Declared } from 'typescript/unstable/sync';
import { API } from 'typescript/unstable/sync';
import type { Parts } from './api-signatures.ts';
import { ROOT, Signatures } from './api-signatures.ts';

export interface Doc {
  readonly text: string;
  readonly params: readonly { readonly name: string; readonly text: string }[];
  readonly returns: string | undefined;
  readonly throws: readonly string[];
}

export interface Member {
  readonly name: string;
  readonly isOptional: boolean;
  /** The type of a property; `undefined` for a method. */
  readonly type: string | undefined;
  /** The signatures of a method. */
  readonly signatures: readonly string[];
  readonly doc: Doc;
}

export interface Exported {
  readonly name: string;
  readonly kind: 'function' | 'class' | 'interface' | 'type' | 'constant';
  /** The declaration, without its members; of a type with its body, where that names nothing private. */
  readonly code: string | undefined;
  readonly doc: Doc;
  readonly members: readonly Member[];
  /** The exported bases, which have more members. */
  readonly bases: readonly string[];
}

const NOTHING: Doc = { text: '', params: [], returns: undefined, throws: [] };
const HIDDEN = ModifierFlags.Private | ModifierFlags.Protected | ModifierFlags.Static;

/**
 * The exports of each entry, in the order in which it exports them.
 * @param files the entries, relative to the root
 * @throws where an export or a member has no docstring, or names a type that is not exported
 */
export function readEntries(files: readonly string[]): Exported[][] {
  const api = new API({ cwd: ROOT });
  try {
    const config = `${ROOT}tsconfig.build.json`;
    const project = api.updateSnapshot({ openProjects: [config] }).getProject(config);
    if (project === undefined) throw new Error(`${config} cannot be opened`);
    const reader = new Reader(project);
    const entries = files.map((file) => reader.exportsOf(file));
    const result = entries.map((symbols) => symbols.map(([name, symbol]) => reader.read(name, symbol)));
    if (reader.problems.size > 0) throw new Error([...reader.problems].join('\n'));
    return result;
  } finally {
    api.close();
  }
}

class Reader {
  /** What has to be mended in the sources before there can be a page. */
  get problems(): ReadonlySet<string> {
    return this.#signatures.problems;
  }

  readonly #project: Project;
  readonly #checker: Checker;
  readonly #signatures: Signatures;
  /** The class of each type that alone makes a class public, by the type's number. */
  readonly #classes = new Map<number, Declared>();

  constructor(project: Project) {
    this.#project = project;
    this.#checker = project.checker;
    this.#signatures = new Signatures(project);
  }

  /** Call it for all entries first: afterwards it is known which names are exported. */
  exportsOf(file: string): (readonly [string, Declared])[] {
    const source = this.#project.program.getSourceFile(ROOT + file)!;
    const module = this.#checker.getSymbolAtLocation(source)!;
    const { publicNames } = this.#signatures;
    const exports = this.#checker.getExportsOfModule(module).map((exported) => {
      const symbol = this.#signatures.resolved(exported);
      publicNames.set(symbol.id, exported.name);
      return [exported.name, symbol] as const;
    });
    for (const [name, symbol] of exports) {
      const named = this.#classNamedBy(symbol);
      if (named === undefined || publicNames.has(named.id)) continue;
      publicNames.set(named.id, name);
      this.#classes.set(symbol.id, named);
    }
    return exports;
  }

  read(name: string, symbol: Declared): Exported {
    this.#signatures.place = name;
    const [node] = this.#signatures.nodesOf(symbol);
    const doc = this.#docOf(symbol);
    if (doc === undefined) throw new Error(`${name} is exported, and @internal`);
    if (doc.text === '') this.#signatures.problems.add(`${name} has no docstring`);
    const own = this.#classes.get(symbol.id) ?? symbol;
    const parts = this.#shape(node!);
    const { members, bases } = this.#membersOf(name, own, parts.members);
    return { name, kind: parts.kind, code: parts.code, doc, members, bases };
  }

  /** The class that a type names, such as `AnyParticipant`. */
  #classNamedBy(symbol: Declared): Declared | undefined {
    const [node] = this.#signatures.nodesOf(symbol);
    if (!is.isTypeAliasDeclaration(node!) || !is.isTypeReferenceNode(node.type)) return undefined;
    const named = this.#signatures.resolved(this.#checker.getSymbolAtLocation(node.type.typeName)!);
    return this.#signatures.nodesOf(named).some((one) => is.isClassDeclaration(one)) ? named : undefined;
  }

  /** The kind and the head of a declaration, and its members where a type has them in its body. */
  #shape(node: Node): Pick<Exported, 'kind' | 'code'> & { readonly members?: readonly Node[] } {
    const { name, type, typeParameters } = node as Parts;
    const head = `${name?.getText()}${this.#signatures.list(typeParameters)}`;
    if (is.isFunctionDeclaration(node))
      return { kind: 'function', code: `function ${this.#signatures.signature(head, node)}` };
    if (is.isClassDeclaration(node)) return { kind: 'class', code: `class ${head}` };
    if (is.isInterfaceDeclaration(node)) return { kind: 'interface', code: `interface ${head}` };
    if (!is.isTypeAliasDeclaration(node)) return { kind: 'constant', code: undefined };
    const literals = [type!, ...((type as Parts).types ?? [])].filter((one) => is.isTypeLiteralNode(one));
    const members = literals.flatMap((one) => (one as Parts).members ?? []);
    const isUnion = is.isUnionTypeNode(type!);
    if (members.length > 0 && !isUnion) {
      const rest = ((type as Parts).types ?? []).filter((one) => !is.isTypeLiteralNode(one));
      const before = rest.map((one) => `${this.#signatures.text(one)} & `).join('');
      return { kind: 'type', code: `type ${head} = ${before}{ … }`, members };
    }
    if (this.#classes.has(this.#checker.getSymbolAtLocation(name!)!.id))
      return { kind: 'class', code: undefined };
    const isPublic = this.#signatures.privateNames(type!).length === 0 && !isConditional(type!);
    return {
      kind: 'type',
      code: isPublic ? `type ${head} = ${this.#signatures.text(type!)}` : `type ${head}`,
    };
  }

  /** The members of a class or an interface and of its bases that are not exported, or of a type's body. */
  #membersOf(
    name: string,
    symbol: Declared,
    literal: readonly Node[] | undefined,
  ): Pick<Exported, 'members' | 'bases'> {
    if (literal !== undefined) {
      const symbols = literal.map((node) => this.#checker.getSymbolAtLocation((node as Parts).name!)!);
      return { members: this.#members(name, symbols, new Set()), bases: [] };
    }
    if (
      !this.#signatures
        .nodesOf(symbol)
        .some((node) => is.isClassDeclaration(node) || is.isInterfaceDeclaration(node))
    )
      return { members: [], bases: [] };
    const members: Member[] = [];
    const bases: string[] = [];
    const seen = new Set<string>();
    const chain = [symbol];
    for (let next = chain.shift(); next !== undefined; next = chain.shift()) {
      const inOrder = this.#signatures.nodesOf(next).flatMap((node) => (node as Parts).members ?? []);
      const before = this.#basesOf(next);
      const isExported = (base: Declared): boolean => this.#signatures.publicNames.has(base.id);
      const symbols = inOrder
        .map((node) => (node as Parts).name && this.#checker.getSymbolAtLocation((node as Parts).name!))
        .filter((one) => one !== undefined)
        .filter((one) => !before.some((base) => isExported(base) && this.#isSaid(one, base)));
      members.push(...this.#members(name, [...new Set(symbols)], seen));
      bases.push(...before.filter(isExported).map((base) => this.#signatures.publicNames.get(base.id)!));
      chain.push(...before.filter((base) => !isExported(base) && this.#signatures.isOurs(base)));
    }
    return { members, bases };
  }

  /** Whether a base says all that there is to say of a member: it has the member, which has no docstring here. */
  #isSaid(member: Declared, base: Declared): boolean {
    if (this.#signatures.nodesOf(member).some(({ jsDoc }) => jsDoc !== undefined)) return false;
    const type = this.#checker.getDeclaredTypeOfSymbol(base);
    return this.#checker.getPropertyOfType(type, member.name) !== undefined;
  }

  #basesOf(symbol: Declared): Declared[] {
    const types = this.#checker.getDeclaredTypeOfSymbol(symbol).getBaseTypes() ?? [];
    return types.map((type) => type.getSymbol()).filter((base) => base !== undefined);
  }

  /** @param seen the names that a class has already: what it overrides is left out */
  #members(owner: string, symbols: readonly Declared[], seen: Set<string>): Member[] {
    return symbols.flatMap((symbol) => {
      const nodes = this.#signatures.nodesOf(symbol);
      const name = (nodes[0] as Parts).name!.getText();
      this.#signatures.place = `${owner}.${name}`;
      const isHidden = nodes.some((node) => ((node as Parts).modifierFlags ?? 0) & HIDDEN);
      if (isHidden || name.startsWith('#') || seen.has(name)) return [];
      seen.add(name);
      const doc = this.#docOf(symbol);
      if (doc === undefined) return [];
      if (doc.text === '') this.#signatures.problems.add(`${this.#signatures.place} has no docstring`);
      return [{ name, doc, ...this.#typed(name, nodes) }];
    });
  }

  #typed(name: string, nodes: readonly Node[]): Pick<Member, 'isOptional' | 'type' | 'signatures'> {
    const overloads = nodes.length > 1 ? nodes.filter((node) => (node as Parts).body === undefined) : nodes;
    const isMethod = is.isMethodDeclaration(nodes[0]!) || is.isMethodSignatureDeclaration(nodes[0]!);
    if (isMethod)
      return {
        isOptional: false,
        type: undefined,
        signatures: (overloads.length > 0 ? overloads : nodes).map((node) =>
          this.#signatures.signature(`${name}${this.#signatures.list((node as Parts).typeParameters)}`, node),
        ),
      };
    const { type, questionToken, postfixToken } = nodes[0] as Parts;
    const isOptional = (questionToken ?? postfixToken) !== undefined;
    const text = type
      ? this.#signatures.text(type).replaceAll(/\s+/g, ' ').replace(/^\| /, '')
      : this.#signatures.inferred(nodes[0]!);
    // `?` says it already, but for the result of a function.
    const hasNone = isOptional && (type as Parts | undefined)?.types !== undefined;
    return { isOptional, type: hasNone ? text.replace(/ \| undefined$/, '') : text, signatures: [] };
  }

  #tagsOf(symbol: Declared): readonly JSDocTagInfo[] {
    const tags = symbol.getJsDocTags(this.#checker);
    const parent = symbol.getParent();
    if (tags.length > 0 || parent === undefined) return tags;
    for (const base of this.#basesOf(parent)) {
      const overridden = base.getMembers().get(symbol.escapedName);
      if (overridden !== undefined) return this.#tagsOf(overridden);
    }
    return tags;
  }

  /** The docstring of a symbol, or of what it overrides; `undefined` for one that is internal. */
  #docOf(symbol: Declared): Doc | undefined {
    const tags = this.#tagsOf(symbol);
    if (tags.some(({ name }) => name === 'internal')) return undefined;
    const texts = (wanted: string): string[] =>
      tags.filter(({ name }) => name === wanted).map(({ text = '' }) => flowing(text));
    return {
      ...NOTHING,
      text: flowing(symbol.getDocumentationComment(this.#checker)),
      params: texts('param').map((text) => {
        const [, name = '', rest = ''] = /^(\S+)\s*-?\s*([^]*)$/.exec(text) ?? [];
        return { name, text: rest };
      }),
      returns: texts('returns')[0],
      throws: texts('throws'),
    };
  }
}

/** Whether a type decides by `extends`: its docstring says the outcome better than its code does. */
function isConditional(node: Node): boolean {
  return (
    is.isConditionalTypeNode(node) || (node.forEachChild((one) => isConditional(one) || undefined) ?? false)
  );
}

/** Lines of prose become one; a list, an indented line and a blank one stay. */
function flowing(text: string): string {
  return text.trim().replaceAll(/([^\n])\n(?!\n|\s|- )/g, '$1 ');
}
