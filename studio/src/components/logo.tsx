/** One ball, three frames: what the product makes. */
export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
      <rect class="logo-frame" width="32" height="32" rx="8" />
      <circle class="logo-ball" cx="7.5" cy="21.5" r="3" opacity=".28" />
      <circle class="logo-ball" cx="13.5" cy="13.5" r="4" opacity=".55" />
      <circle class="logo-ball" cx="22" cy="15.5" r="5.5" />
    </svg>
  );
}
