/** Lets the examples in this repository import the package by its name, as they do in a user's project. */
import { registerHooks } from 'node:module';

const SOURCES: Readonly<Record<string, string>> = {
  'tandem-sync': '../src/index.ts',
  'tandem-sync/koa': '../src/koa.ts',
  'tandem-sync/testing': '../src/testing.ts',
};

registerHooks({
  resolve: (specifier, context, next) => {
    const source = SOURCES[specifier];
    if (source === undefined) return next(specifier, context);
    return { url: new URL(source, import.meta.url).href, shortCircuit: true };
  },
});
