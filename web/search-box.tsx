/** Where words are typed that names must contain. */
export function SearchBox({
  what,
  words,
  onWords,
}: {
  /** In the plural: `nodes`. */
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
