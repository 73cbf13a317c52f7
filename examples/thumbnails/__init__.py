"""A workflow whose tasks are Python functions: takes pictures, makes thumbnails, and a page that shows them."""
