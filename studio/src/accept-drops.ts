/** A file dropped beside a field would replace the page, and what was written with it: the whole window takes it instead. */
export function acceptDrops(
  onOver: (isOver: boolean) => void,
  onDrop: (file: File | undefined) => void,
  signal: AbortSignal,
): void {
  const isFile = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true;
  const over = (event: DragEvent) => {
    if (!isFile(event)) return;
    event.preventDefault();
    onOver(true);
  };
  const leave = (event: DragEvent) => {
    if (event.relatedTarget === null) onOver(false);
  };
  const drop = (event: DragEvent) => {
    if (!isFile(event)) return;
    event.preventDefault();
    onOver(false);
    onDrop(event.dataTransfer?.files[0]);
  };
  window.addEventListener('dragover', over, { signal });
  window.addEventListener('dragleave', leave, { signal });
  window.addEventListener('drop', drop, { signal });
}
