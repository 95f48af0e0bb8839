/** nft's JSON, as far as tests look at it (libnftables-json(5)). */

/** One element of a set. */
export interface Element {
  /** The parts of the key, joined with ` . `: `10.77.0.10 . tcp . 4001`. */
  key: string;
  /** Seconds, as nft rounds them; undefined when the element lasts for ever. */
  timeout: number | undefined;
  expires: number | undefined;
  comment: string | undefined;
}

function text(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'concat' in value) {
    return (value.concat as unknown[]).map(text).join(' . ');
  }
  return String(value);
}

function element(value: unknown): Element {
  if (typeof value !== 'object' || value === null || !('elem' in value)) {
    return { key: text(value), timeout: undefined, expires: undefined, comment: undefined };
  }
  const found = value.elem as {
    val: unknown;
    timeout?: number;
    expires?: number;
    comment?: string;
  };
  const { timeout, expires, comment } = found;
  return { key: text(found.val), timeout, expires, comment };
}

/** The elements in the output of `nft -j list set`. */
export function parseElements(json: string): Element[] {
  const { nftables } = JSON.parse(json) as { nftables: { set?: { elem?: unknown[] } }[] };
  return nftables.flatMap((item) => item.set?.elem ?? []).map(element);
}
