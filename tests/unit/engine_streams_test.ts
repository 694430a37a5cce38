import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Readable, Writable } from "../../src/engine/streams.ts";

// What the installed command has in the place of the web's streams does what those do.
const pairs = [
  { name: "the web's", Reading: ReadableStream, Writing: WritableStream },
  { name: "the installed command's", Reading: Readable, Writing: Writable },
] as unknown as { name: string; Reading: typeof ReadableStream; Writing: typeof WritableStream }[];

/** A moment for what was promised before. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

for (const { name, Reading, Writing } of pairs) {
  Deno.test(`${name} readable stream hands on all that is put into it, and tells how much room is left`, async () => {
    let controller!: ReadableStreamDefaultController<Uint8Array>;
    let pulls = 0;
    const start = (given: typeof controller) => void (controller = given);
    const strategy = { highWaterMark: 4, size: (bytes: Uint8Array) => bytes.length };
    const stream = new Reading({ start, pull: () => void pulls++ }, strategy);
    controller.enqueue(new Uint8Array([1, 2, 3]));
    assertEquals(controller.desiredSize, 1);
    controller.enqueue(new Uint8Array([4, 5]));
    assertEquals(controller.desiredSize, -1);

    const read: number[] = [];
    const reading = (async () => {
      for await (const bytes of stream) read.push(...bytes);
    })();
    await settled();
    assertEquals([read, pulls > 0, controller.desiredSize], [[1, 2, 3, 4, 5], true, 4]);
    controller.enqueue(new Uint8Array([6]));
    controller.close();
    await reading;
    assertEquals(read, [1, 2, 3, 4, 5, 6]);
    assertThrows(() => controller.enqueue(new Uint8Array([7])), TypeError);
    assertThrows(() => controller.close(), TypeError);
  });

  Deno.test(`${name} readable stream is cancelled by a reader who leaves, and closed by one who has read all`, async () => {
    const cancelled: boolean[] = [];
    for (const isLeft of [true, false]) {
      let isCancelled = false;
      const stream = new Reading<number>({
        start(controller) {
          controller.enqueue(1);
          controller.enqueue(2);
          if (!isLeft) controller.close();
        },
        cancel: () => void (isCancelled = true),
      });
      for await (const _ of stream) {
        if (isLeft) break;
      }
      cancelled.push(isCancelled);
    }
    assertEquals(cancelled, [true, false]);
  });

  Deno.test(`${name} writable stream writes one after another, and fails from the first failure on`, async () => {
    const written: string[] = [];
    const sink = {
      async write(text: string) {
        await settled();
        if (text === "bad") throw new Error("refused");
        written.push(text);
      },
      close: () => void written.push("end"),
    };
    const writer = new Writing<string>(sink).getWriter();
    writer.write("one");
    await writer.write("two");
    await writer.close();
    assertEquals(written, ["one", "two", "end"]);

    const failing = new Writing<string>(sink).getWriter();
    failing.closed?.catch(() => {});
    await assertRejects(() => failing.write("bad"), Error, "refused");
    await assertRejects(() => failing.write("three"), Error, "refused");
    assertEquals(written, ["one", "two", "end"]);
  });
}
