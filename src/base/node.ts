/**
 * What is used of Node's own modules. An ES import of such a module reads each of its exports, and some of them load
 * further modules then: that takes 10 ms and 3 MB of an import of this package.
 */
const util = process.getBuiltinModule('node:util');

export const AsyncResource = process.getBuiltinModule('node:async_hooks').AsyncResource;
export const createHash = process.getBuiltinModule('node:crypto').createHash;
export const isIP = process.getBuiltinModule('node:net').isIP;
export const getSystemErrorMap = util.getSystemErrorMap;
export const isDeepStrictEqual = util.isDeepStrictEqual;

/** The name of this machine. */
export function hostname(): string {
  return process.getBuiltinModule('node:os').hostname();
}

/** Loaded when it is first asked for. */
export function zlib() {
  return process.getBuiltinModule('node:zlib');
}

/** Loaded when it is first asked for. */
export function perfHooks() {
  return process.getBuiltinModule('node:perf_hooks');
}
