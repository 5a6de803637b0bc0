import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { poll } from "../src/api/poll";

class Page extends EventTarget {
  visibilityState: DocumentVisibilityState = "visible";

  turn(state: DocumentVisibilityState): void {
    this.visibilityState = state;
    this.dispatchEvent(new Event("visibilitychange"));
  }
}

/** A node whose answers take as long as the test says. */
class Node {
  asked = 0;
  private readonly open: (() => void)[] = [];

  ask = () => {
    this.asked += 1;
    return new Promise<void>((resolve, reject) => this.open.push(this.asked % 2 ? resolve : reject));
  };

  async answer(): Promise<void> {
    this.open.shift()!();
    await vi.advanceTimersByTimeAsync(0);
  }
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("the next question waits for the last answer, good or bad, and then its time", async () => {
  const node = new Node();
  const end = poll(node.ask, 4000, new Page());
  expect(node.asked).toBe(1);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(node.asked).toBe(1);
  await node.answer();
  await vi.advanceTimersByTimeAsync(3999);
  expect(node.asked).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(node.asked).toBe(2);
  await node.answer(); // this one is a refusal
  await vi.advanceTimersByTimeAsync(4000);
  expect(node.asked).toBe(3);
  end();
  await node.answer();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(node.asked).toBe(3);
});

test("a page nobody looks at asks nothing, and asks at once when looked at again", async () => {
  const node = new Node();
  const page = new Page();
  page.turn("hidden");
  const end = poll(node.ask, 4000, page);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(node.asked).toBe(0);
  page.turn("visible");
  expect(node.asked).toBe(1);
  page.turn("hidden");
  page.turn("visible"); // while the answer is on its way
  expect(node.asked).toBe(1);
  page.turn("hidden");
  await node.answer();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(node.asked).toBe(1);
  page.turn("visible");
  expect(node.asked).toBe(2);
  await node.answer();
  end();
  page.turn("visible");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(node.asked).toBe(2);
});
