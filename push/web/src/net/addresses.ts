/**
 * Which node to connect to next, and after how long. Pure: the dice are passed in.
 *
 * First to where we were, then to its peers, in any order, so that those who lost one node do not
 * all go to the same next one. The Python client does the same (`push/addresses.py`);
 * `tests/vectors/addresses/` states it for both.
 */

const LONGEST_SECONDS = 5;
const SOON_SECONDS = 1.5;
/** So often a node that says "come again soon" is believed before another one is asked. */
const SOON_TRIES = 6;
const DRAIN = 1012;
/** What a browser reports where the node said nothing. */
const UNSAID = new Set([1005, 1006, 1015]);

/**
 * How a socket was lost.
 *
 * `cut` it had let us in: perhaps a blip · `soon` it closed with 1012: it drains or begins again, and
 * is back in a moment · `away` it answered and did not let us in · `gone` it did not answer, or fell
 * silent.
 */
export type Loss = "cut" | "soon" | "away" | "gone";

export interface Ending {
  /** The close code; null where we ended it. */
  code: number | null;
  welcomed: boolean;
  /** It had us wait and has not let us in, so 1012 means that it gave up waiting. */
  waited: boolean;
  silent?: boolean;
}

/** What the end of a socket means. */
export function lossOf({ code, welcomed, waited, silent = false }: Ending): Loss {
  if (silent) return "gone";
  if (code === DRAIN && !waited) return "soon";
  if (welcomed) return "cut";
  return code === null || UNSAID.has(code) ? "gone" : "away";
}

export interface Pace {
  /** The ceiling of the first delay, in seconds; it doubles with each failure up to `longest`. */
  first: number;
  longest?: number;
}

/** The nodes that are known, the one in use, and those that did not answer. Delays in seconds. */
export class Addresses {
  url: string;
  readonly unreachable = new Set<string>();
  private home: string;
  private peers: readonly string[] = [];
  private readonly tried = new Set<string>();
  private readonly longest: number;
  private failures = 0;
  private soon = 0;
  private moves = 0;

  /** `share` gives a number from 0 to 1, as `Math.random` does. */
  constructor(
    private readonly seeds: readonly string[],
    private readonly pace: Pace,
    private readonly share: () => number,
  ) {
    this.url = this.home = seeds[0] ?? "";
    this.longest = pace.longest ?? LONGEST_SECONDS;
  }

  /** All of them: where we are at home first. */
  get known(): string[] {
    return [...new Set([this.home, ...this.peers, ...this.seeds])];
  }

  /** The node in use serves us, and names the others. */
  welcomed(peers: readonly string[]): void {
    this.home = this.url;
    this.peers = peers;
    this.failures = this.soon = this.moves = 0;
    this.tried.clear();
    this.unreachable.clear();
  }

  /**
   * Told to go there. Returns how long to wait, so that not all arrive at once; two nodes that send
   * us to and fro wait longer each time.
   */
  moved(url: string): number {
    this.tried.delete(url);
    this.url = url;
    this.moves += 1;
    return this.delay(this.moves, this.longest);
  }

  /**
   * The socket is gone. Returns how long to wait before the next, at `url`.
   *
   * Where we were welcome we try again first: a dead node refuses at once, and then others can be
   * told that it is not to be had.
   */
  lost(how: Loss): number {
    if (how === "soon" && this.soon < SOON_TRIES) {
      this.soon += 1;
      return this.delay(Math.floor((this.soon - 1) / 2), SOON_SECONDS);
    }
    if (how === "gone") this.unreachable.add(this.url);
    if (how !== "cut") {
      this.soon = 0;
      this.url = this.next();
    }
    this.failures += 1;
    return this.delay(this.failures - 1, this.longest);
  }

  /** Somebody asks for it: the next try is to be as quick as the first. */
  hasten(): void {
    this.failures = this.soon = 0;
  }

  /** One that has not been tried since we were last welcome; then all over again. */
  private next(): string {
    this.tried.add(this.url);
    const others = this.known.filter((url) => !this.tried.has(url));
    if (others.length === 0) {
      this.tried.clear();
      return this.home;
    }
    return others[Math.min(Math.floor(this.share() * others.length), others.length - 1)]!;
  }

  private delay(doublings: number, most: number): number {
    return this.share() * Math.min(most, this.pace.first * 2 ** Math.min(doublings, 20));
  }
}
