/** Whether a clipboard's text says no more than what the files beside it are called, as that of a file manager: then the files are meant.
 * Programs that give a picture beside a text mean the text. */
export function areFilesMeant(text: string, files: readonly { name: string }[]): boolean {
  // The same letters may be written in two ways: file systems have theirs. An ending may be left out.
  const names = files.map(({ name }) => name.normalize());
  const isName = (line: string) => names.some((name) => name === line || name.replace(/\.[^.]+$/, "") === line);
  return (
    names.length > 0 && text.split(/[\r\n]+/).every((line) => line.trim() === "" || isName(line.trim().normalize()))
  );
}
