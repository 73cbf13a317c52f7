"""The states language as the embedded AWS runs it: from a definition to the components of moto's interpreter."""
