"""The geometry of clothes: pieces of mesh that hang on the bones, cut from the body's surface along
a signed field, walked over a surface, or drawn as tubes; and their assembly into one mesh.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
from scipy.spatial import cKDTree


@dataclass(frozen=True)
class Piece:
    """N vertices and M triangles of one cloth.

    vertices: (N, 3) metres at rest; faces: (M, 3); bone_indices, bone_weights: (N, K), see
    `strongest_bones`; parts: (N,) object ids without garment; places: (M, 3, 3) corner positions in
    the frame of the face's chart; charts: (M,); grains: (N, 3) unit, along the limb; slack: (N, 2)
    folds at rest; give: (N,) how far a vertex follows its neighbours; tints: (N, 3) multiply the
    cloth's colour; border: (E,) the vertices on open edges; cloth: index.
    """

    vertices: np.ndarray
    faces: np.ndarray
    bone_indices: np.ndarray
    bone_weights: np.ndarray
    parts: np.ndarray
    places: np.ndarray
    charts: np.ndarray
    grains: np.ndarray
    slack: np.ndarray
    give: np.ndarray
    tints: np.ndarray
    border: np.ndarray
    cloth: int


def smoothstep(values, start, end):
    """0 before `start`, 1 after `end`, smooth between."""
    share = np.clip((np.asarray(values) - start) / (end - start), 0, 1)
    return share * share * (3 - 2 * share)


def vertex_normals(vertices, faces):
    """Area-weighted unit normals (V, 3)."""
    a, b, c = (vertices.take(faces[:, corner], axis=0).T for corner in range(3))
    (x, y, z), (u, v, w) = b - a, c - a
    corners = faces.ravel()
    normals = np.array(
        [
            np.bincount(corners, np.repeat(across, 3), len(vertices))
            for across in (y * w - z * v, z * u - x * w, x * v - y * u)
        ]
    )
    return (normals / np.maximum(np.sqrt((normals**2).sum(0)), 1e-12)).T


def cut(faces, field):
    """Keep what lies where `field` (V,) is positive, cutting triangles along its zero line.

    -> sparse (N, V) matrix that interpolates any vertex attribute, faces (M, 3), the triangle (M,)
    and the vertex (N,) that each comes from.
    """
    inside = field > 0
    count = inside.astype(np.int8)[faces] @ np.ones(3, np.int8)
    kept = [(faces[count == 3], np.flatnonzero(count == 3))]
    ends = [np.empty((0, 2), int)]
    offset = len(field)
    for inner in (1, 2):
        chosen = np.flatnonzero(count == inner)
        triangles = faces[chosen]
        first = (inside[triangles] == (inner == 1)).argmax(1)  # the corner that stands alone
        a, b, c = (triangles[np.arange(len(chosen)), (first + k) % 3] for k in range(3))
        ab, ac = offset + np.arange(len(chosen)), offset + len(chosen) + np.arange(len(chosen))
        ends += [np.stack([a, b], 1), np.stack([a, c], 1)]
        offset += 2 * len(chosen)
        new = [(a, ab, ac)] if inner == 1 else [(ab, b, c), (ab, c, ac)]
        kept += [(np.stack(triangle, 1), chosen) for triangle in new]
    ends = np.sort(np.concatenate(ends), axis=1)
    edges, edge_of = np.unique(ends @ [len(field), 1], return_inverse=True)
    edges = np.stack(np.divmod(edges, len(field)), axis=1)
    share = field[edges[:, 0]] / (field[edges[:, 0]] - field[edges[:, 1]])
    ends = np.concatenate([np.tile(np.arange(len(field))[:, None], 2), edges])
    shares = np.append(np.zeros(len(field)), share)
    corners = np.concatenate([triangles for triangles, _ in kept])
    corners = np.append(np.arange(len(field)), len(field) + edge_of.ravel())[corners]
    used, corners = renumbered(corners, len(ends))
    ends, shares = ends[used], shares[used]
    entries = np.stack([1 - shares, shares], 1).ravel()
    blend = sparse.csr_array(
        (entries, ends.ravel(), np.arange(0, len(entries) + 1, 2)), (len(used), len(field))
    )
    return blend, corners, np.concatenate([parents for _, parents in kept]), ends[:, 0]


def renumbered(corners, count):
    """Those of `count` vertices that are corners of triangles (M, 3), in order -> (N,), and the
    triangles with their corners numbered among them."""
    used = np.zeros(count, bool)
    used[corners] = True
    return np.flatnonzero(used), (np.cumsum(used) - 1)[corners]


def border_edges(faces, vertex_count):
    """Edges that belong to one triangle only (E, 2)."""
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    edges, uses = np.unique(edges @ [vertex_count, 1], return_counts=True)
    return np.stack(np.divmod(edges[uses == 1], vertex_count), axis=1)


def smooth_hem(vertices, edges, passes=6):
    """Vertices (V, 3) with the open edges (E, 2) of their mesh smoothed along themselves."""
    links = sparse.coo_matrix(
        (np.ones(2 * len(edges)), (edges.T.ravel(), edges[:, ::-1].T.ravel())), (len(vertices),) * 2
    ).tocsr()
    count = np.asarray(links.sum(1))
    on_edge = np.flatnonzero(count == 2)
    mean = links[on_edge] / 2
    vertices = vertices.copy()
    for _ in range(passes):
        vertices[on_edge] = 0.5 * (vertices[on_edge] + mean @ vertices)
    return vertices


def grid_faces(rows, columns, closed=False):
    """Triangles (M, 3) of a grid of vertices numbered row by row; `closed` joins the last column
    to the first."""
    row, column = np.meshgrid(
        np.arange(rows - 1), np.arange(columns if closed else columns - 1), indexing="ij"
    )
    a = (row * columns + column).ravel()
    b = (row * columns + (column + 1) % columns).ravel()
    return np.concatenate(
        [np.stack([a, b, b + columns], 1), np.stack([a, b + columns, a + columns], 1)]
    )


class Surface:
    """A cloth that other pieces lie on: nearest points, bone weights, pushing out."""

    def __init__(self, piece, bone_count):
        self.piece = piece
        self.normals = vertex_normals(piece.vertices, piece.faces)
        self.tree = cKDTree(piece.vertices)
        self.bone_weights = np.zeros((len(piece.vertices), bone_count), np.float32)
        np.put_along_axis(self.bone_weights, piece.bone_indices, piece.bone_weights, axis=1)

    def _blend(self, values, points, near=4):
        distances, nearest = self.tree.query(points, k=near)
        shares = 1 / (distances + 0.004) ** 2
        shares /= shares.sum(-1, keepdims=True)
        return np.einsum("...k,...kc->...c", shares, values[nearest])

    def weights(self, points):
        """Bone weights (..., J) at points (..., 3)."""
        return self._blend(self.bone_weights, points)

    def push_out(self, points, clearance_m, onto=False):
        """Points moved along the normal to at least (`onto`: exactly) `clearance_m` above."""
        normals = self._blend(self.normals, points)
        normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
        height = ((points - self._blend(self.piece.vertices, points)) * normals).sum(-1)
        missing = clearance_m - height
        return points + (missing if onto else np.maximum(missing, 0))[..., None] * normals


def lay(surface, starts, steps, step_m, clearance_m):
    """Walk over a surface: from `starts` (C, 3), `len(steps)` rows of directions (R, C, 3) times
    step_m (R, C) -> (R + 1, C, 3) points at `clearance_m` above it."""
    rows = [surface.push_out(starts, clearance_m)]
    for step, length in zip(steps, step_m, strict=True):
        rows.append(surface.push_out(rows[-1] + length[:, None] * step, clearance_m, onto=True))
    return np.array(rows)


@dataclass(frozen=True)
class Assembly:
    """Pieces as one mesh, as the device takes it; see `Piece` and `fabric.BodyOnDevice`."""

    vertices: np.ndarray
    faces: np.ndarray
    tags: np.ndarray
    places: np.ndarray
    rings: np.ndarray
    grains: np.ndarray
    bone_indices: np.ndarray
    bone_weights: np.ndarray
    parts: np.ndarray
    tints: np.ndarray
    slack: np.ndarray
    give: np.ndarray
    lift: np.ndarray


def assemble(pieces, relaxations):
    """Pieces -> Assembly; `lift` makes up for what `relaxations` passes take off the rest shape."""
    starts = np.cumsum([0] + [len(piece.vertices) for piece in pieces])
    faces = np.concatenate(
        [piece.faces + start for piece, start in zip(pieces, starts[:-1], strict=True)]
    )
    joined = {
        name: np.concatenate([getattr(piece, name) for piece in pieces])
        for name in ("vertices", "places", "grains", "parts", "tints", "slack", "give",
                     "bone_indices", "bone_weights")
    }  # fmt: skip
    tags = np.concatenate(
        [np.stack([np.full(len(p.faces), p.cloth), p.charts], axis=1) for p in pieces]
    )
    rings, mean = _rings(faces, starts[-1])
    joined["bone_weights"] /= joined["bone_weights"].sum(1, keepdims=True)
    return Assembly(
        faces=faces.astype(np.int32),
        tags=tags.astype(np.int32),
        rings=rings,
        lift=_lift(joined["vertices"], faces, mean, joined["give"], relaxations),
        **joined,
    )


def _rings(faces, vertex_count):
    """For every vertex the other two corners of its faces -> (V, R, 2) int32, -1 where none, and
    the sparse (V, V) matrix that gives the mean of the first of them."""
    corner, after, before = (faces.T[[k, (k + 1) % 3, (k + 2) % 3]].ravel() for k in range(3))
    # Sorting small unsigned numbers is many times as fast.
    order = np.argsort(corner.astype(np.min_scalar_type(vertex_count)), kind="stable")
    counts = np.bincount(corner, minlength=vertex_count)
    ends = np.cumsum(counts)
    slot = np.arange(len(corner)) - np.repeat(ends - counts, counts)
    rings = np.full((vertex_count, counts.max(), 2), -1, np.int32)
    rings[corner[order], slot] = np.stack([after[order], before[order]], 1)
    shares = np.repeat(1 / np.maximum(counts, 1), counts)
    mean = sparse.csr_array((shares, after[order], np.append(0, ends)), (vertex_count,) * 2)
    return rings, mean


def _lift(vertices, faces, mean, give, relaxations):
    relaxed = vertices
    for _ in range(relaxations):
        relaxed = relaxed + give[:, None] * (mean @ relaxed - relaxed)
    return np.einsum("vc,vc->v", vertices - relaxed, vertex_normals(relaxed, faces))
