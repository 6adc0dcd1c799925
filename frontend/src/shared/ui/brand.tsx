/** The roof over the tenant's name. */
export const BrandMark = ({ className }: { className?: string }) => (
  <svg viewBox="0 0 32 32" className={className} aria-hidden="true">
    <rect width="32" height="32" rx="9" className="fill-brand" />
    <path
      d="M6.5 17.2 16 8.5l9.5 8.7M10 15.5v8h12v-8M16 23.5v-6"
      fill="none"
      className="stroke-on-brand"
      strokeWidth="2.2"
      strokeLinecap="round"
      strokeLinejoin="round"
    />
  </svg>
);
