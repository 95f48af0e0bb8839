/** A place in a file, both 1-based; the column counts UTF-16 units. */
export interface Place {
  line: number;
  column: number;
}

/** One line's share of a value: `start` is its offset in the joined text. */
interface Piece {
  start: number;
  place: Place;
}

/** A text that knows where each of its characters stands in the file, also when it was joined from several lines. */
export class Located {
  private constructor(
    readonly text: string,
    /** Offset of `text` in the joined value that `pieces` describes. */
    private readonly base: number,
    private readonly pieces: readonly Piece[],
  ) {}

  /** Joins the lines of one value with one space between them. */
  static join(parts: readonly { text: string; place: Place }[]): Located {
    const pieces: Piece[] = [];
    let start = 0;
    for (const { text, place } of parts) {
      pieces.push({ start, place });
      start += text.length + 1;
    }
    return new Located(parts.map((part) => part.text).join(' '), 0, pieces);
  }

  /** Where the text begins. */
  get place(): Place {
    const piece = this.pieceAt(this.base);
    if (piece === undefined) {
      return { line: 0, column: 0 };
    }
    return { line: piece.place.line, column: piece.place.column + this.base - piece.start };
  }

  /** The part between two offsets, without the blanks around it. */
  slice(from: number, to: number): Located {
    const part = this.text.slice(from, to);
    const lead = part.length - part.trimStart().length;
    return new Located(part.trim(), this.base + from + lead, this.pieces);
  }

  /** Splits at every `separator` (one character); the parts are trimmed, and may be empty. */
  split(separator: string): Located[] {
    const parts: Located[] = [];
    let from = 0;
    for (;;) {
      const to = this.text.indexOf(separator, from);
      if (to === -1) {
        parts.push(this.slice(from, this.text.length));
        return parts;
      }
      parts.push(this.slice(from, to));
      from = to + 1;
    }
  }

  /** The last piece that begins at or before `offset`: a binary search, since a value may have very many lines. */
  private pieceAt(offset: number): Piece | undefined {
    let low = 0;
    let high = this.pieces.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      const piece = this.pieces[middle];
      if (piece !== undefined && piece.start <= offset) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return this.pieces[low];
  }
}
