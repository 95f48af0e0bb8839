import { LinkBroken } from './frames.js';

/** Cuts a stream of bytes at the ends of frames whose first byte tells their size. */
export class FrameReader {
  /** The beginning of a frame whose rest has not come yet: shorter than the largest frame. */
  #rest: Buffer = Buffer.alloc(0);

  /** @param sizes bytes of a frame, by its kind; any other kind ends the link */
  constructor(private readonly sizes: ReadonlyMap<number, number>) {}

  /**
   * Takes what the socket brought; returns the whole frames in it, back to back.
   * @throws {@link LinkBroken} at a kind that is not expected here
   */
  push(chunk: Buffer): Buffer {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let end = 0;
    while (end < bytes.length) {
      const next = end + this.sizeAt(bytes, end);
      if (next > bytes.length) {
        break;
      }
      end = next;
    }
    this.#rest = bytes.subarray(end);
    return bytes.subarray(0, end);
  }

  /** Bytes of the frame that begins at `at`. @throws {@link LinkBroken} at an unexpected kind */
  sizeAt(bytes: Buffer, at: number): number {
    const size = this.sizes.get(bytes.readUInt8(at));
    if (size === undefined) {
      throw new LinkBroken('a frame of an unknown kind');
    }
    return size;
  }
}
