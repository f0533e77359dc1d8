/**
 * A map by name that cannot grow for ever: beyond its cap, the entry that was added first goes. It is for what is
 * kept by the name of a space, where spaces come and go.
 */
const CAP = 10_000;

export class CappedMap<V> extends Map<string, V> {
  override set(name: string, value: V): this {
    if (this.size >= CAP && !this.has(name)) {
      const [first] = this.keys();
      this.delete(first!);
    }
    return super.set(name, value);
  }
}
