import { Navigate } from "react-router";

/** The front door leads to the listings until there is a day to show. */
export const Home = () => <Navigate to="/listings" replace />;
