/**
 * Terms that nobody should meet by accident while reading source are written with their letters turned by 13 places (ROT13). That hides
 * nothing from a reviewer: `echo <term> | tr a-zA-Z n-za-mN-ZA-M`.
 */
export function unveil(text: string): string {
  return text.replace(/[a-zA-Z]/g, letter => {
    const first = letter <= 'Z' ? 65 : 97;
    return String.fromCharCode(((letter.charCodeAt(0) - first + 13) % 26) + first);
  });
}
