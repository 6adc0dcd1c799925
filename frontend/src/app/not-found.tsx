import { Link } from "react-router";
import { buttonStyle } from "@/shared/ui/button";
import { Entrance } from "@/shared/ui/entrance";

export const NotFound = () => (
  <Entrance title="There is no such page" lead="The address may have a typing error, or the page has moved.">
    <Link to="/listings" className={buttonStyle({ size: "large" })}>
      Go to listings
    </Link>
  </Entrance>
);
