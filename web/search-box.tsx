/** A field for words that names must contain. */
export function SearchBox({
  what,
  words,
  onWords,
}: {
  /** What is searched, such as `nodes`. */
  what: string;
  words: string;
  onWords: (words: string) => void;
}) {
  return (
    <input
      type="search"
      aria-label={`Search ${what}`}
      placeholder={`Search ${what}`}
      autocomplete="off"
      value={words}
      onInput={({ currentTarget }) => onWords(currentTarget.value)}
    />
  );
}
