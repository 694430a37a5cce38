/** The nearest of some words. */

/**
 * The word that is nearest to `given`, if any is near: at most two letters wrong, missing, too many or swapped, and not
 * more than half of them.
 */
export function nearest(given: string, words: string[]): string | undefined {
  const limit = Math.min(2, Math.floor(given.replace(/^-+/, "").length / 2));
  const ranked = words.map((word) => ({ word, steps: distance(given, word) })).sort((a, b) => a.steps - b.steps);
  return ranked.find(({ steps }) => steps <= limit)?.word;
}

/** Damerau and Levenshtein's: how many single letters are to be changed, added, removed, or swapped with the next. */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      row[j] = Math.min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + (isSame ? 0 : 1));
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwapped) row[j] = Math.min(row[j], rows[i - 2][j - 2] + 1);
    }
    rows.push(row);
  }
  return rows[a.length][b.length];
}
