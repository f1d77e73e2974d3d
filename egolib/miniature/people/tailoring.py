"""The geometry of clothes: pieces of mesh that hang on the bones, cut from the body's surface along
a signed field, walked over a surface, or drawn as tubes; and their assembly into one mesh.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
from scipy.spatial import cKDTree

BONES_PER_VERTEX = 5


@dataclass(frozen=True)
class Piece:
    """N vertices and M triangles of one cloth.

    vertices: (N, 3) metres at rest; faces: (M, 3); weights: (N, J) of the bones; parts: (N,) object
    ids without garment; places: (M, 3, 3) corner positions in the frame of the face's chart;
    charts: (M,); grains: (N, 3) unit, along the limb; slack: (N, 2) folds at rest; give: (N,) how
    far a vertex follows its neighbours; tints: (N, 3) multiply the cloth's colour; cloth: index.
    """

    vertices: np.ndarray
    faces: np.ndarray
    weights: np.ndarray
    parts: np.ndarray
    places: np.ndarray
    charts: np.ndarray
    grains: np.ndarray
    slack: np.ndarray
    give: np.ndarray
    tints: np.ndarray
    cloth: int


def smoothstep(values, start, end):
    """0 before `start`, 1 after `end`, smooth between."""
    share = np.clip((np.asarray(values) - start) / (end - start), 0, 1)
    return share * share * (3 - 2 * share)


def vertex_normals(vertices, faces):
    """Area-weighted unit normals (V, 3)."""
    corners = vertices[faces]
    face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.stack(
        [
            np.bincount(faces.ravel(), np.repeat(face[:, axis], 3), len(vertices))
            for axis in range(3)
        ],
        axis=1,
    )
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def cut(faces, field):
    """Keep what lies where `field` (V,) is positive, cutting triangles along its zero line.

    -> sparse (N, V) matrix that interpolates any vertex attribute, faces (M, 3), the triangle (M,)
    and the vertex (N,) that each comes from.
    """
    inside = field > 0
    count = inside[faces].sum(1)
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
    row = np.arange(len(edges))
    crossing = sparse.coo_matrix(
        (np.concatenate([1 - share, share]), (np.tile(row, 2), edges.T.ravel())),
        (len(edges), len(field)),
    )
    corners = np.concatenate([triangles for triangles, _ in kept])
    cut_corner = len(field) + np.append(edge_of.ravel(), 0)[np.maximum(corners - len(field), 0)]
    corners = np.where(corners < len(field), corners, cut_corner)
    used, corners = np.unique(corners, return_inverse=True)
    blend = sparse.vstack([sparse.identity(len(field)), crossing]).tocsr()[used]
    parents = np.concatenate([parents for _, parents in kept])
    return (
        blend,
        corners.reshape(-1, 3),
        parents,
        np.append(np.arange(len(field)), edges[:, 0])[used],
    )


def border_edges(faces, vertex_count):
    """Edges that belong to one triangle only (E, 2)."""
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    edges, uses = np.unique(edges @ [vertex_count, 1], return_counts=True)
    return np.stack(np.divmod(edges[uses == 1], vertex_count), axis=1)


def smooth_hem(vertices, faces, passes=6):
    """Vertices with the open edges of the mesh smoothed along themselves."""
    edges = border_edges(faces, len(vertices))
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

    def __init__(self, piece):
        self.piece = piece
        self.normals = vertex_normals(piece.vertices, piece.faces)
        self.tree = cKDTree(piece.vertices)

    def _blend(self, values, points, near=4):
        distances, nearest = self.tree.query(points, k=near)
        shares = 1 / (distances + 0.004) ** 2
        shares /= shares.sum(-1, keepdims=True)
        return np.einsum("...k,...kc->...c", shares, values[nearest])

    def weights(self, points):
        """Bone weights (..., J) at points (..., 3)."""
        return self._blend(self.piece.weights, points)

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
        for name in ("vertices", "places", "grains", "parts", "tints", "slack", "give")
    }
    tags = np.concatenate(
        [np.stack([np.full(len(p.faces), p.cloth), p.charts], axis=1) for p in pieces]
    )
    weights = np.concatenate([piece.weights for piece in pieces])
    bones = np.argpartition(-weights, BONES_PER_VERTEX, axis=1)[:, :BONES_PER_VERTEX]
    strongest = np.take_along_axis(weights, bones, axis=1)
    rings = _rings(faces, len(weights))
    joined["give"][border_edges(faces, len(weights))] = 0
    return Assembly(
        faces=faces.astype(np.int32),
        tags=tags.astype(np.int32),
        rings=rings,
        bone_indices=bones.astype(np.int32),
        bone_weights=(strongest / strongest.sum(1, keepdims=True)).astype(np.float32),
        lift=_lift(joined["vertices"], faces, rings, joined["give"], relaxations),
        **joined,
    )


def _rings(faces, vertex_count):
    """For every vertex the other two corners of its faces -> (V, R, 2) int32, -1 where none."""
    corners = np.concatenate([faces, faces[:, [1, 2, 0]], faces[:, [2, 0, 1]]])
    corners = corners[np.argsort(corners[:, 0], kind="stable")]
    counts = np.bincount(corners[:, 0], minlength=vertex_count)
    slot = np.arange(len(corners)) - np.repeat(np.cumsum(counts) - counts, counts)
    rings = np.full((vertex_count, counts.max(), 2), -1, np.int32)
    rings[corners[:, 0], slot] = corners[:, 1:]
    return rings


def _lift(vertices, faces, rings, give, relaxations):
    there = rings[..., :1] >= 0
    share = there / np.maximum(there.sum(1, keepdims=True), 1)
    relaxed = vertices
    for _ in range(relaxations):
        mean = (relaxed[rings[..., 0]] * share).sum(1)
        relaxed = relaxed + give[:, None] * (mean - relaxed)
    return ((vertices - relaxed) * vertex_normals(relaxed, faces)).sum(1)
