/** Finds installed programs. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The first program of this name on the PATH; `undefined` where there is none. */
export function onPath(name: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
