import { describe, expect, it, vi } from "vitest";
import type { AttachmentCard } from "../../src/widget/frames.ts";
import { type Sender, Uploads } from "../../src/widget/uploads.ts";

const rules = { max_bytes: 100, per_message: 5, types: ["text/plain"] };
const file = (name: string, size = 10) => new File(["x".repeat(size)], name);
const cardOf = ({ name, size }: File): AttachmentCard => ({ id: `id-${name}`, name, type: "text/plain", size });

function uploading(send: Sender) {
  const kept: string[] = [];
  const uploads = new Uploads(send, (card) => kept.push(card.name), () => undefined);
  return { uploads, kept };
}

describe("files on their way", () => {
  it("are said in the order in which they were chosen", async () => {
    const { uploads, kept } = uploading(async (one) => {
      await new Promise((resolve) => setTimeout(resolve, one.name === "a" ? 5 : 0));
      return cardOf(one);
    });
    uploads.add([file("a"), file("b"), file("c")], rules);
    await vi.waitFor(() => expect(kept).toEqual(["a", "b", "c"]));
    expect(uploads.list).toEqual([]);
  });

  it("are not sent when the node would refuse them anyway, and the others are", async () => {
    const sent: string[] = [];
    const { uploads, kept } = uploading(async (one) => {
      sent.push(one.name);
      return cardOf(one);
    });
    uploads.add([file("large", 101), file("empty", 0), file("good")], rules);
    await vi.waitFor(() => expect(kept).toEqual(["good"]));
    expect(sent).toEqual(["good"]);
    expect(uploads.list.map((one) => one.failed)).toEqual(["size", "bad_field"]);
  });

  it("are tried again where the line broke, and not where the node said no", async () => {
    vi.useFakeTimers();
    const answers: (AttachmentCard | string)[] = ["network", "unavailable", cardOf(file("a")), "infected"];
    const { uploads, kept } = uploading(async () => answers.shift()!);
    uploads.add([file("a"), file("b")], rules);
    await vi.runAllTimersAsync();
    expect(kept).toEqual(["a"]);
    expect(uploads.list.map((one) => [one.file.name, one.failed])).toEqual([["b", "infected"]]);
    answers.push(cardOf(file("b")));
    uploads.again(uploads.list[0]!.id);
    await vi.runAllTimersAsync();
    expect(kept).toEqual(["a", "b"]);
    vi.useRealTimers();
  });

  it("can be taken back while they are under way, and nothing is said of them", async () => {
    let ended = false;
    const { uploads, kept } = uploading(
      (one, _share, ending) =>
        new Promise((resolve) => {
          if (one.name === "b") return resolve(cardOf(one));
          ending.addEventListener("abort", () => {
            ended = true;
            resolve("network");
          });
        }),
    );
    uploads.add([file("a"), file("b")], rules);
    uploads.drop(uploads.list[0]!.id);
    await vi.waitFor(() => expect(kept).toEqual(["b"]));
    expect(ended).toBe(true);
    expect(uploads.list).toEqual([]);
  });
});
