import { assertEquals } from "@std/assert";
import { withEagerFunctions } from "../../scripts/eager.ts";

const SOURCE = `var f=(()=>1);function a(x){function inner(){return x}return[1].map(y=>y+inner())}async function b(){}
var o={"m"(){return 2},g:async z=>a(z),h:function(){return "function c(){}"}};class C{k(){return 3}}function d(){}
`;

/** Where a text stands. */
function place(text: string, source = SOURCE) {
  const start = source.indexOf(text);
  return { start, end: start + text.length };
}

const DECLARED = "function a(x){function inner(){return x}return[1].map(y=>y+inner())}";

Deno.test("withEagerFunctions() moves declarations to the front, and puts expressions in parentheses", () => {
  const called = [
    { start: 0, end: SOURCE.length },
    ...[DECLARED, "function inner(){return x}", "y=>y+inner()", "async function b(){}", '"m"(){return 2}'].map((text) =>
      place(text)
    ),
    ...["async z=>a(z)", 'function(){return "function c(){}"}', "k(){return 3}"].map((text) => place(text)),
  ];
  assertEquals(
    withEagerFunctions(SOURCE, called),
    `var a=(function a(x){function inner(){return x}return[1].map((y=>y+inner()))});var b=(async function b(){});` +
      `var f=(()=>1);
var o={"m"(){return 2},g:(async z=>a(z)),h:(function(){return "function c(){}"})};class C{k(){return 3}}function d(){}
`,
  );
});

Deno.test("withEagerFunctions() makes a module that does the same", () => {
  const source = "const early=late(2);function late(x){return[x,x].map(y=>y*2)}return early;";
  const functions = ["function late(x){return[x,x].map(y=>y*2)}", "y=>y*2"].map((text) => place(text, source));
  const told = (code: string) => new Function(code)();
  const changed = withEagerFunctions(source, functions);
  assertEquals([changed !== source, told(changed)], [true, told(source)]);
});

Deno.test("withEagerFunctions() leaves a module alone of which nothing was called", () => {
  assertEquals(withEagerFunctions(SOURCE, [{ start: 0, end: SOURCE.length }]), SOURCE);
});
