/**
 * The texts of types and signatures, as users may read them: with exported names in place of those that a file
 * has for them. A name that is not exported is a problem.
 */
import { fileURLToPath } from 'node:url';
import type { ModifierFlags, Node } from 'typescript/unstable/ast';
import * as is from 'typescript/unstable/ast/is';
import type { Checker, Project, Symbol as Declared } from 'typescript/unstable/sync';
import { SymbolFlags } from 'typescript/unstable/sync';

/** With slashes on any system, as TypeScript has them. */
export const ROOT = fileURLToPath(new URL('../', import.meta.url)).replaceAll('\\', '/');
/** Names of a standard that users have from elsewhere. */
const STANDARD = 'src/state/standard-schema.ts';

/** A node, as far as the generator reads it: what kinds of nodes have. */
export interface Parts {
  readonly modifierFlags?: ModifierFlags;
  readonly name?: Node;
  readonly type?: Node;
  readonly types?: readonly Node[];
  readonly members?: readonly Node[];
  readonly parameters?: readonly Node[];
  readonly typeParameters?: readonly Node[];
  readonly initializer?: Node;
  readonly questionToken?: Node;
  readonly postfixToken?: Node;
  readonly dotDotDotToken?: Node;
  readonly body?: Node;
}

export class Signatures {
  /** What has to be mended in the sources before there can be a page. */
  readonly problems = new Set<string>();
  /** The exported name of each symbol, by the symbol's number. */
  readonly publicNames = new Map<number, string>();
  /** Where the text that is being read comes from, for problems. */
  place = '';
  readonly #project: Project;
  readonly #checker: Checker;

  constructor(project: Project) {
    this.#project = project;
    this.#checker = project.checker;
  }

  resolved(symbol: Declared): Declared {
    return symbol.flags & SymbolFlags.Alias ? this.#checker.getAliasedSymbol(symbol) : symbol;
  }

  nodesOf(symbol: Declared): Node[] {
    return symbol.declarations.map((handle) => handle.resolve(this.#project)!);
  }

  signature(head: string, node: Node): string {
    const { parameters = [], type } = node as Parts;
    const list = parameters.map((parameter) => this.#parameter(parameter as Node & Parts)).join(', ');
    return `${head}(${list}): ${type ? this.text(type) : 'void'}`;
  }

  /** A parameter as callers see it: one that is taken apart in the code is called `options`. */
  #parameter(node: Node & Parts): string {
    const name = is.isIdentifier(node.name!) ? node.name.getText() : 'options';
    const isOptional = (node.initializer ?? node.questionToken) !== undefined;
    const type = node.type ? this.text(node.type) : this.inferred(node);
    return `${node.dotDotDotToken ? '...' : ''}${name}${isOptional ? '?' : ''}: ${type}`;
  }

  list(typeParameters: readonly Node[] | undefined): string {
    if (typeParameters === undefined || typeParameters.length === 0) return '';
    const shown = typeParameters.filter((node) => this.privateNames(node).length === 0);
    return `<${shown.map((node) => this.text(node)).join(', ')}>`;
  }

  /** The type that the compiler finds where the source has none. */
  inferred(node: Node): string {
    const type = this.#checker.getTypeAtLocation(node)!;
    return this.#checker.typeToString(this.#checker.getBaseTypeOfLiteralType(type) ?? type);
  }

  /** The text of a type, with exported names in place of those that the file has for them. */
  text(node: Node): string {
    for (const name of this.privateNames(node))
      this.problems.add(`${this.place} names ${name}, which is not exported`);
    const [source, begin] = [node.getSourceFile().text, node.getStart()];
    let text = source.slice(begin, node.getEnd());
    for (const { node: name, publicName } of this.#namesIn(node).reverse()) {
      const at = name.getStart() - begin;
      if (publicName !== undefined)
        text = text.slice(0, at) + publicName + text.slice(at + name.getText().length);
    }
    return text.replaceAll(/\/\*\*[^]*?\*\/\s*/g, '');
  }

  privateNames(node: Node): string[] {
    return this.#namesIn(node)
      .filter(({ isPrivate }) => isPrivate)
      .map(({ node: name }) => name.getText());
  }

  isOurs(symbol: Declared): boolean {
    const path = symbol.declarations[0]?.path.toLowerCase() ?? '';
    const inside = path.startsWith(ROOT.toLowerCase()) ? path.slice(ROOT.length) : '';
    return inside !== '' && !inside.startsWith('node_modules/') && inside !== STANDARD;
  }

  /** The names of types in a text, in order. */
  #namesIn(node: Node): { node: Node; publicName: string | undefined; isPrivate: boolean }[] {
    const found: Node[] = [];
    const visit = (one: Node): void => {
      const named = is.isTypeReferenceNode(one)
        ? one.typeName
        : is.isTypeQueryNode(one)
          ? one.exprName
          : undefined;
      if (named !== undefined) found.push(is.isQualifiedName(named) ? named.left : named);
      one.forEachChild(visit);
    };
    visit(node);
    return found.map((name) => {
      const symbol = this.resolved(this.#checker.getSymbolAtLocation(name)!);
      const publicName = this.publicNames.get(symbol.id) ?? this.#qualified(symbol);
      const isParameter = (symbol.flags & SymbolFlags.TypeParameter) !== 0;
      return {
        node: name,
        publicName,
        isPrivate: publicName === undefined && !isParameter && this.isOurs(symbol),
      };
    });
  }

  /** The name of another package, with the package, where we export the same name. */
  #qualified(symbol: Declared): string | undefined {
    const [, library] = /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(symbol.declarations[0]?.path ?? '') ?? [];
    const isTaken = library !== undefined && new Set(this.publicNames.values()).has(symbol.name);
    return isTaken ? `${library}.${symbol.name}` : undefined;
  }
}
