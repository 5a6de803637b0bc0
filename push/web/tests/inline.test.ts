import { expect, test } from "vitest";
import { freeName, htmlOf, markOf, unmarked } from "../src/desktop/inline";
import { hindrance } from "../src/desktop/uploads";

const lamp = { name: "lamp.png", inline_id: "a1@inline" };

test("what is written becomes HTML where an image stands in it, and only there", () => {
  expect(htmlOf("Dear Rosa", [lamp])).toBeNull();
  expect(htmlOf("See [lamp.png]", [{ name: "lamp.png", inline_id: "" }])).toBeNull();
  expect(htmlOf("1 < 2 & \"3\"\nSee [lamp.png]\n\nBye", [lamp])).toBe(
    '<p>1 &lt; 2 &amp; &quot;3&quot;<br>\nSee <img src="cid:a1@inline" alt="lamp.png" style="max-width:100%"></p>\n<p>Bye</p>',
  );
});

test("a name with letters that mean something in HTML stays a name", () => {
  const odd = { name: "a&b.png", inline_id: "b2@inline" };
  expect(htmlOf("[a&b.png]", [odd])).toBe('<p><img src="cid:b2@inline" alt="a&amp;b.png" style="max-width:100%"></p>');
});

test("pasted images get names of their own that can stand in a mark", () => {
  expect(freeName("image.png", [])).toBe("image.png");
  expect(freeName("image.png", ["image.png", "image-2.png"])).toBe("image-3.png");
  expect(freeName('my [old] "lamp".png', [])).toBe("my_old_lamp_.png");
  expect(freeName("", [])).toBe("image");
});

test("an image that is taken away takes its mark along, and the line that it stood in", () => {
  expect(unmarked(`See ${markOf(lamp)}, please`, lamp)).toBe("See, please");
  expect(unmarked("A\n[lamp.png]\nB", lamp)).toBe("A\nB");
});

test("what is too large is told before it is uploaded, with what can be done", () => {
  const limits = { max_text: 1, html: true, subject: true, attachments: true, max_file_bytes: 1000, max_attachment_bytes: 1500 };
  expect(hindrance({ name: "a", size: 1000 }, 0, limits)).toBe("");
  expect(hindrance({ name: "a", size: 1001 }, 0, limits)).toContain("link");
  expect(hindrance({ name: "a", size: 1000 }, 501, limits)).toContain("two mails");
  expect(hindrance({ name: "a", size: 10 ** 9 }, 0, undefined)).toBe("");
});
