/**
 * Has V8 compile with a module the functions that its runs call, and leave the others for when they are called.
 *
 * V8 compiles a function at its first call, and then Deno has filled its cache of code already, so each process would
 * compile them anew. One in parentheses V8 takes for one that is called at once, and compiles it with what is around it.
 */

/** Where a function stands in a module, as V8's coverage tells it: it is `source.slice(start, end)`. */
export interface Place {
  /** Its first character. */
  start: number;
  /** What is behind its last one. */
  end: number;
}

/**
 * The functions that were called.
 *
 * @param folder what `deno run --coverage=FOLDER` has written, of any number of runs
 * @param module the path of the module they are in
 */
export async function calledFunctions(folder: string, module: string): Promise<Place[]> {
  const places = new Map<string, Place>();
  for await (const { name } of Deno.readDir(folder)) {
    const { url, functions }: Coverage = JSON.parse(await Deno.readTextFile(`${folder}/${name}`));
    if (decodeURIComponent(new URL(url).pathname) !== module) continue;
    for (const { ranges: [{ startOffset: start, endOffset: end, count }] } of functions) {
      if (count > 0) places.set(`${start} ${end}`, { start, end });
    }
  }
  return [...places.values()];
}

/**
 * The same module with some functions in parentheses. A declaration becomes a variable in front of everything, which is
 * where the language has it too; methods and declarations within functions stay as they are.
 */
export function withEagerFunctions(source: string, functions: readonly Place[]): string {
  const opened = new Map<number, number>();
  const closed = new Map<number, number>();
  const declared: Place[] = [];
  let outerEnd = 0;
  for (const place of functions.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    const { start, end } = place;
    const isModule = start === 0 && end === source.length;
    if (isModule) continue;
    const text = source.slice(start, end);
    const before = source.slice(0, start).trimEnd().at(-1) ?? ";";
    const isDeclaration = /^(async )?function\b/.test(text) && ";{}".includes(before);
    if (!isDeclaration && /^(async\b ?)?(function\b|\(|[\w$]+=>)/.test(text)) {
      opened.set(start, (opened.get(start) ?? 0) + 1);
      closed.set(end, (closed.get(end) ?? 0) + 1);
    }
    if (isDeclaration && before !== "{" && start >= outerEnd) declared.push(place);
    outerEnd = Math.max(outerEnd, end);
  }
  const shown = (from: number, to: number) => {
    let result = "";
    for (let at = from; at < to; at++) {
      result += "(".repeat(opened.get(at) ?? 0) + source[at] + ")".repeat(closed.get(at + 1) ?? 0);
    }
    return result;
  };
  let front = "";
  let rest = "";
  let end = 0;
  for (const place of declared) {
    const [, name] = /function\*?\s*([\w$]+)/.exec(source.slice(place.start, place.end))!;
    front += `var ${name}=(${shown(place.start, place.end)});`;
    rest += shown(end, place.start);
    end = place.end;
  }
  return front + rest + shown(end, source.length);
}

interface Coverage {
  url: string;
  functions: { ranges: { startOffset: number; endOffset: number; count: number }[] }[];
}
